"""Durations as people write them."""

from __future__ import annotations

import pytest

from receiver.lib.durations import duration, duration_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("5m", 300), ("24h", 86_400), ("30d", 2_592_000), ("1.5 h", 5400)],
)
def test_a_duration_becomes_seconds(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["10", 10, 10.0, True, "", "s", "-5s", "5 min", "1h30m", "5S", "٣s", "1e3s", ["5s"]])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration(value)


@pytest.mark.parametrize("text", ["500ms", "10s", "5m", "90m", "24h", "36h", "2d", "30d"])
def test_seconds_are_written_as_a_person_would(text: str) -> None:
    assert duration_text(duration(text)) == text
