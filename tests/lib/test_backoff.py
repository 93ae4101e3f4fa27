"""When to try again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.lib.backoff import (
    JITTER,
    LONGEST_S,
    next_wait,
    retry_after,
)

SCHEDULE = (5.0, 30.0, 120.0)


@given(st.integers(1, 3), st.floats(0, 1, exclude_max=True))
def test_a_wait_lies_within_the_jitter_around_its_step(attempt: int, spread: float) -> None:
    wait = next_wait(SCHEDULE, attempt, spread)
    assert wait is not None
    assert SCHEDULE[attempt - 1] * (1 - JITTER) <= wait <= SCHEDULE[attempt - 1] * (1 + JITTER)


def test_a_spent_schedule_gives_no_wait() -> None:
    assert next_wait(SCHEDULE, 4, 0.5) is None


def test_a_wait_is_never_shorter_than_asked_for() -> None:
    assert next_wait(SCHEDULE, 1, 0.5, asked=90.0) == 90.0
    assert next_wait(SCHEDULE, 2, 0.5, asked=1.0) == 30.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Wed, 18 Nov 2026 11:07:40 GMT", 60.0),
        ("Wed, 18 Nov 2026 11:00:00 GMT", 0.0),
        ("999999999999", LONGEST_S),
        ("-5", None),
        ("soon", None),
        ("\u0667", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, 1_795_000_000_000) == seconds


@given(st.text())
def test_no_retry_after_breaks_the_reader(header: str) -> None:
    wait = retry_after(header, 1_795_000_000_000)
    assert wait is None or 0 <= wait <= LONGEST_S
