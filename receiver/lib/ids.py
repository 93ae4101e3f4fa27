"""Time-ordered identifiers: a 63-bit integer in the database, `job_01h2...` outside.

The upper 41 bits are milliseconds since 2020, the lower 22 start at random in each millisecond and count up. So ids of
one process strictly increase, sort as text like they sort as numbers, and need no index beside the primary key.

They never go back, though the clock may: then they run ahead of it by as much as it was set back, and how much that is
from which id on (`IdLead`) is kept beside them, so that they still tell when they were made.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from receiver.lib.times import Clock

Kind = Literal["req", "evt", "job", "dlv"]

EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
COUNTER_BITS = 22
#: Processes that share a database each count within a slot of their own: 65,536 ids a millisecond.
SLOTS: Final = 64
SLOT_BITS: Final = 16
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 13
LARGEST = (1 << 63) - 1
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
#: From our digits to those of `int(text, 32)`.
TO_PYTHON = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


#: A clock that goes back by no more than this is waited for, ms.
WAITED_FOR: Final = 1000
#: No id is of a later time, whatever the clock says (2088), so that there is always a next one.
LATEST_MS: Final = (LARGEST >> COUNTER_BITS) + EPOCH_MS - 366 * 86_400_000


class IdLead(NamedTuple):
    """How far ids run ahead of the clock, from one on."""

    number: int
    #: ms
    ahead: int


class IdSpan(NamedTuple):
    """The ids from one to another, both included."""

    low: int
    top: int


class Ids:
    """Hands out ids; strictly increasing within one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ms = 0
        self._last = 0
        self._ahead = 0
        #: Where several processes make ids for one database: which of them this is, less than `SLOTS`.
        self.slot: int | None = None
        #: Leads that are not kept yet.
        self.leads: list[IdLead] = []

    def start_after(self, number: int, ahead: int = 0) -> None:
        """From now on ids are greater than this one too, which ran ahead of the clock by so many ms."""
        if number >= self._last:
            self._last, self._ahead = number, ahead

    @property
    def newest(self) -> int:
        """The last id that was made; 0 if none was."""
        return self._last

    def next(self) -> int:
        """A new id, greater than every one before it."""
        ms = self._clock()
        self._last += 1
        if ms != self._ms:
            self._ms = ms
            self._go_by(ms)
        return self._last

    def _go_by(self, ms: int) -> None:
        lead = made_at(self._last) - ms
        if lead > self._ahead + WAITED_FOR:
            self._run_ahead(lead)
        elif self._ahead and lead <= 0:
            self._run_ahead(0)
        self._last = max(self._last, first_at(min(ms + self._ahead, LATEST_MS)) + self._start())

    def _start(self) -> int:
        """Where the counter of a millisecond starts."""
        if self.slot is None:
            return secrets.randbits(COUNTER_BITS - 2)
        return (self.slot << SLOT_BITS) + secrets.randbits(SLOT_BITS - 2)

    def _run_ahead(self, ms: int) -> None:
        self._ahead = ms
        self.leads.append(IdLead(self._last, ms))

    def reached(self) -> int | None:
        """When the last id was made, Unix milliseconds; None if there is none."""
        return made_at(self._last) - self._ahead if self._last else None


def slot_of(number: int) -> int:
    """The slot of the process that made an id, where several processes make ids for one database."""
    return (number >> SLOT_BITS) & (SLOTS - 1)


def first_at(ms: int) -> int:
    """The smallest id that can have been made at this moment (Unix milliseconds); at most the largest id there is."""
    return min(max(0, ms - EPOCH_MS) << COUNTER_BITS, LARGEST)


def made_at(number: int, leads: Sequence[IdLead] = ()) -> int:
    """When an id was made, Unix milliseconds, by the clock of that moment; `leads` are those known, in order."""
    made = (number >> COUNTER_BITS) + EPOCH_MS
    return made - next((lead.ahead for lead in reversed(leads) if lead.number <= number), 0) if leads else made


def spans_made(since: int | None, until: int | None, leads: Sequence[IdLead]) -> Iterator[IdSpan]:
    """The ids made from `since` on and before `until` (Unix ms, by the clock of that moment), in order.

    `leads` are those known, in order. Where the clock was set back, the ids of one span of time may stand apart.
    """
    parts = [IdLead(0, 0), *leads]
    ends = [*(lead.number - 1 for lead in leads), LARGEST]
    for part, end in zip(parts, ends, strict=True):
        low = part.number if since is None else max(part.number, first_at(since + part.ahead))
        top = end if until is None else min(end, first_at(until + part.ahead) - 1)
        if low <= top:
            yield IdSpan(low, top)


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
