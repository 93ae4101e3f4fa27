"""Time-ordered identifiers: a 63-bit integer in the database, `job_01h2...` outside.

The upper 41 bits are milliseconds since 2020, the lower 22 start at random in each millisecond and count up. So ids of
one process strictly increase, sort as text like they sort as numbers, and need no index beside the primary key.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Literal

from receiver.lib.times import Clock

Kind = Literal["req", "evt", "job", "dlv"]

EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
COUNTER_BITS = 22
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 13
LARGEST = (1 << 63) - 1
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
#: From our digits to those of `int(text, 32)`.
TO_PYTHON = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


class Ids:
    """Hands out ids; strictly increasing within one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ms = 0
        self._last = 0

    def start_after(self, number: int) -> None:
        """From now on ids are greater than this one too, whatever the clock says."""
        self._last = max(self._last, number)

    def next(self) -> int:
        """A new id, greater than every one before it."""
        ms = self._clock()
        self._last += 1
        if ms != self._ms:
            self._ms = ms
            self._last = max(self._last, first_at(ms) + secrets.randbits(COUNTER_BITS - 2))
        return self._last


def first_at(ms: int) -> int:
    """The smallest id that can have been made at this moment (Unix milliseconds); at most the largest id there is."""
    return min(max(0, ms - EPOCH_MS) << COUNTER_BITS, LARGEST)


def made_at(number: int) -> int:
    """When an id was made, Unix milliseconds."""
    return (number >> COUNTER_BITS) + EPOCH_MS


def show(kind: Kind, number: int) -> str:
    """The outside form of an id: its kind and 13 characters of Crockford's base 32."""
    return f"{_head(kind, number >> 20)}{PAIRS[number >> 10 & 1023]}{PAIRS[number & 1023]}"


@lru_cache(maxsize=256)
def _head(kind: Kind, upper: int) -> str:
    """All but the last four characters: ids of the same moment share them."""
    letters = [PAIRS[upper >> shift & 1023] for shift in (30, 20, 10, 0)]
    return f"{kind}_{ALPHABET[upper >> 40]}{''.join(letters)}"


def read(kind: Kind, text: str) -> int | None:
    """The integer of an outside id, or None if this is not one of that kind."""
    prefix, _, letters = text.partition("_")
    if prefix != kind or len(letters) != LENGTH or not set(letters) <= VALUES.keys():
        return None
    number = int(letters.translate(TO_PYTHON), 32)
    return number if number <= LARGEST else None
