"""When to try again: the schedule, Retry-After, and jitter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: How far a wait is spread around its nominal length, as a share of it.
JITTER: Final = 0.2
#: The longest wait another side may impose on us, seconds.
LONGEST_S: Final = 24 * 3600.0


def next_wait(schedule: Sequence[float], attempt: int, spread: float, asked: float | None = None) -> float | None:
    """Seconds to wait after the `attempt`-th try (1 = the first), or None when the schedule is spent.

    `spread` is a random number in [0, 1) from the caller. `asked` is a Retry-After in seconds: never earlier than that.
    """
    if attempt > len(schedule):
        return None
    nominal = schedule[attempt - 1]
    wait = nominal * (1 - JITTER + 2 * JITTER * spread)
    return max(wait, min(asked, LONGEST_S)) if asked is not None else wait


def retry_after(value: str | None, now: int) -> float | None:
    """Seconds named by a Retry-After header (delta-seconds or HTTP-date); None if there is none that can be read.

    `now` is Unix milliseconds.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_S)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - datetime.fromtimestamp(now / 1000, UTC)).total_seconds()
    return min(max(wait, 0.0), LONGEST_S)
