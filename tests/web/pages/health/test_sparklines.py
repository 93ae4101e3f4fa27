"""Small curves."""

from __future__ import annotations

from receiver.views.health import Durations
from receiver.web.pages.health.sparklines import bars, sparkline


def test_nothing_is_drawn_where_nothing_happened() -> None:
    assert sparkline([Durations()] * 3) == ("", "", "")
    assert bars([0, 0]) == ""


def test_a_curve_goes_from_point_to_point_below_its_highest() -> None:
    curve = sparkline([Durations(median_ms=50, p95_ms=100), Durations(), Durations(median_ms=100, p95_ms=100)])
    assert curve.line == "M0.0 22.0L240.0 2.0"
    assert curve.p95 == "M0.0 2.0L240.0 2.0"
    assert curve.area == "M0.0 22.0L240.0 2.0L240.0 44L0.0 44Z"


def test_a_single_point_is_still_seen() -> None:
    assert (
        sparkline([Durations(), Durations(median_ms=0, p95_ms=0)]).area == "M235.0 42.0L240.0 42.0L240.0 44L235.0 44Z"
    )
    assert sparkline([Durations(median_ms=0, p95_ms=0), Durations()]).line == "M0.0 42.0L5.0 42.0"


def test_bars_are_as_high_as_their_counts() -> None:
    assert bars([2, 0, 1]) == "M0.0 44V2.0h56.0V44ZM160.0 44V22.0h56.0V44Z"
