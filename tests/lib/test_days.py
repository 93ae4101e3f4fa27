"""Days of time zones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import pytest

from receiver.contracts import Budget
from receiver.flows.budgets import period_end, period_start
from receiver.lib.days import DAY, day_of, day_start
from receiver.lib.times import stamp, unstamp

FIRST: Final = unstamp("2025-12-15T00:00:00Z")
LAST: Final = unstamp("2027-01-15T00:00:00Z")
WEEK: Final = 7 * 24 * 3600 * 1000
AROUND: Final = (-86_400_000, -3_600_001, -3_600_000, -1, 0, 1, 1_799_999, 3_599_999, 3_600_000, 5_400_000, 86_400_000)


def offset(ms: int, zone: str) -> object:
    """How far a zone is from UTC at a moment."""
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)).utcoffset()


def changes(zone: str) -> Iterator[int]:
    """The moments at which a zone's clocks are changed, as far as they stay so for a week."""
    for begin in range(FIRST, LAST, WEEK):
        low, high = begin, begin + WEEK
        if offset(low, zone) == offset(high, zone):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle, zone) == offset(low, zone) else (low, middle)
        yield high


def test_in_every_zone_days_weeks_and_months_follow_each_other_without_gap_or_overlap() -> None:
    chance = random.Random(9)  # noqa: S311 - chooses moments, guards nothing
    for zone in sorted(available_timezones()):
        moments = [at + near for at in changes(zone) for near in AROUND]
        for now in [*moments, *(chance.randrange(FIRST, LAST) for _ in range(3))]:
            for per in ("day", "week", "month"):
                budget = Budget(amount=Decimal(1), unit="credits", per=per)
                start, end = period_start(budget, now, zone), period_end(budget, now, zone)
                assert end is not None
                assert start <= now < end, (zone, per, stamp(now))
                assert period_start(budget, end, zone) == end == period_end(budget, end - 1, zone), (zone, per)
                assert period_end(budget, start - 1, zone) == start == period_start(budget, start, zone), (zone, per)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        # Clocks go back across midnight: it begins once, and has 25 hours.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        # Back to the evening of the day before, a minute after midnight: that hour belongs to the day that had begun.
        ("America/St_Johns", "2006-10-29", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"),
        ("America/St_Johns", "2006-10-28", "2006-10-28T02:30:00Z", "2006-10-29T02:30:00Z"),
        # Its midnight does not exist.
        ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        ("America/Asuncion", "2023-10-01", "2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z"),
        # It does not exist at all.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        # Half hours and quarters of them.
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
        ("Asia/Kathmandu", "2026-04-05", "2026-04-04T18:15:00Z", "2026-04-05T18:15:00Z"),
    ],
)
def test_a_day_begins_when_its_clocks_first_show_it(zone: str, day: str, start: str, end: str) -> None:
    found = date.fromisoformat(day)
    assert (day_start(found, zone), day_start(found + DAY, zone)) == (unstamp(start), unstamp(end))


def test_a_moment_belongs_to_the_day_that_has_begun_though_the_wall_shows_the_one_before() -> None:
    again = unstamp("2006-10-29T02:45:00Z")
    assert datetime.fromtimestamp(again / 1000, UTC).astimezone(ZoneInfo("America/St_Johns")).day == 28
    assert day_of(again, "America/St_Johns") == date(2006, 10, 29)
