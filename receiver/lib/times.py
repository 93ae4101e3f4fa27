"""Moments: Unix milliseconds (UTC) in machinery and database, RFC 3339 text in records."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

#: A function that returns the present as Unix milliseconds. Flows are handed one; pure code is handed its value.
Clock = Callable[[], int]


def system_clock() -> int:
    """The present as Unix milliseconds."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=256)
def stamp(ms: int) -> str:
    """Unix milliseconds as RFC 3339 in UTC with three decimals: `2026-11-21T10:00:00.000Z`."""
    return f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def unstamp(text: str) -> int:
    """RFC 3339 text (or a date) as Unix milliseconds; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
