"""A bar chart as SVG, drawn by hand: a plot needs no library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from bench.measures.contest import Row

WIDTH: Final = 820
LEFT: Final = 190
RIGHT: Final = 250
BAR: Final = 22
GAP: Final = 12
TOP: Final = 44
BOTTOM: Final = 26
OURS: Final = "#2563eb"
KEEPS: Final = "#64748b"
FORGETS: Final = "#cbd5e1"


def plot(rows: Sequence[Row], caption: str) -> str:
    """Returns a chart of requests a second, the fastest on top: a bar for the median, a line for the range.

    There must be a row.
    """
    ordered = sorted(rows, key=lambda row: -row.rate.median)
    scale = (WIDTH - LEFT - RIGHT) / max(1e-9, *(row.rate.high for row in ordered))
    height = TOP + len(ordered) * (BAR + GAP) + BOTTOM
    bars = [line for place, row in enumerate(ordered) for line in _bar(row, TOP + place * (BAR + GAP), scale)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'font-family="system-ui, sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            '<text x="12" y="24" font-size="15" font-weight="600" fill="#0f172a">Webhooks acknowledged a second</text>',
            *bars,
            f'<text x="12" y="{height - 9}" font-size="11" fill="#64748b">{escape(caption)}</text>',
            "</svg>",
            "",
        ]
    )


def _bar(row: Row, top: int, scale: float) -> list[str]:
    middle = top + BAR / 2
    end = LEFT + row.rate.median * scale
    low, high = LEFT + row.rate.low * scale, LEFT + row.rate.high * scale
    said = f"{row.rate.median:,.0f}/s" + (f" (x {_figures(row.ratio)})" if row.ratio is not None else "")
    if row.missing is None:
        said += ", keeps nothing"
    return [
        f'<text x="{LEFT - 10}" y="{middle + 4.5:.1f}" text-anchor="end" fill="#0f172a">{escape(row.name)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{max(1.0, end - LEFT):.1f}" height="{BAR}" rx="3" fill="{_colour(row)}"/>',
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#0f172a" stroke-width="1.5"/>',
        f'<text x="{max(end, high) + 8:.1f}" y="{middle + 4.5:.1f}" fill="#334155">{said}</text>',
    ]


def _figures(ratio: float) -> str:
    """Returns the ratio with two places, a small one with two figures."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def _colour(row: Row) -> str:
    if row.name == "gridhook":
        return OURS
    return FORGETS if row.missing is None else KEEPS
