"""Days of a time zone. Each moment lies in exactly one day, however the zone's clocks are changed.

Where clocks go back across midnight (or by a whole day), the wall shows a day twice: it begins once, when the wall
first shows it, and goes on through the second time. A day whose midnight does not exist begins with its first moment; a
day that does not exist at all (30 December 2011 in Apia) is empty.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def day_of(ms: int, time_zone: str) -> date:
    """The day that a moment (Unix ms) lies in: what the wall shows, or the following day if that has begun already."""
    day = _shown(ms, time_zone)
    while day_start(day + DAY, time_zone) <= ms:
        day += DAY
    return day


@lru_cache(maxsize=256)
def day_start(day: date, time_zone: str) -> int:
    """When a day begins, Unix ms: the first moment at which the zone's clocks show it, or a later one."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone))  # the first of two, if it comes twice
    late = _ms(midnight)
    if datetime.fromtimestamp(late / 1000, midnight.tzinfo) == midnight and _shown(late - 1, time_zone) < day:
        return late
    # Clocks were put forward over midnight: the first moment that is not before it lies within those two readings.
    early = min(late, _ms(midnight.replace(fold=1))) - 1
    while late - early > 1:
        middle = (early + late) // 2
        if _shown(middle, time_zone) < day:
            early = middle
        else:
            late = middle
    return late


def _shown(ms: int, time_zone: str) -> date:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(time_zone)).date()


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
