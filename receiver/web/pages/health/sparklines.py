"""Small curves as SVG paths: pages have no script that draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from receiver.views.health import Durations

#: The drawing's own measures; it is stretched to its place.
WIDTH: Final = 240
HEIGHT: Final = 44
#: Room for the stroke, above and below.
MARGIN: Final = 2
#: How long a curve of one point is.
SHORT: Final = 5.0


class Sparkline(NamedTuple):
    """The paths of one drawing; all empty where there is nothing to draw."""

    #: The median, and the area below it.
    line: str
    area: str
    #: Below which 95 % lie.
    p95: str


def sparkline(curve: Sequence[Durations]) -> Sparkline:
    """The curve of durations; where nothing happened it goes straight to the next point."""
    known = [
        (place, one.median_ms, one.p95_ms)
        for place, one in enumerate(curve)
        if one.median_ms is not None and one.p95_ms is not None
    ]
    if not known:
        return Sparkline("", "", "")
    top = max(p95 for _, _, p95 in known) or 1
    step = WIDTH / max(len(curve) - 1, 1)
    median = _path([(place * step, _y(value, top)) for place, value, _ in known])
    first, last = known[0][0] * step, known[-1][0] * step
    if len(known) == 1:
        first, last = max(first - SHORT, 0), max(first, SHORT)
    return Sparkline(
        line=median,
        area=f"{median}L{last:.1f} {HEIGHT}L{first:.1f} {HEIGHT}Z",
        p95=_path([(place * step, _y(p95, top)) for place, _, p95 in known]),
    )


def bars(counts: Sequence[int]) -> str:
    """A path of bars, one for each count."""
    top, step = max(counts, default=0), WIDTH / max(len(counts), 1)
    return "".join(
        f"M{place * step:.1f} {HEIGHT}V{_y(count, top):.1f}h{step * 0.7:.1f}V{HEIGHT}Z"
        for place, count in enumerate(counts)
        if count
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    drawn = (
        points
        if len(points) > 1
        else [(max(points[0][0] - SHORT, 0), points[0][1]), (min(max(points[0][0], SHORT), WIDTH), points[0][1])]
    )
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in drawn)


def _y(value: int, top: int) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value / (top or 1)
