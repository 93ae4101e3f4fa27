"""The next actions of jobs, as a unit of work keeps them."""

from __future__ import annotations

import msgspec

from receiver.store.postgres.units.unit import UnitOfWork
from receiver.store.sql.choices import Choices, ChoicesCache
from receiver.store.sql.keys import key_of
from receiver.store.sql.statements import Statements

_ENCODER = msgspec.json.Encoder()


class UnitChoices(ChoicesCache):
    """What the process knows of them, and what this commit adds: that is known only once it is on disk."""

    def __init__(self, unit: UnitOfWork, known: ChoicesCache) -> None:
        super().__init__()
        self._unit = unit
        self._known = known
        self._new: dict[int, tuple[Choices, int]] = {}

    def keep(self, _db: Statements, choices: Choices) -> int | None:
        """The number under which these choices are kept; None if they must stand in the job itself."""
        known = self._known.number_of(choices)
        if known is not None:
            return known
        text = _ENCODER.encode(choices)
        number, kept = key_of(text), self._unit.loaded.choices
        if number not in kept:
            self._unit.miss(self._unit.loaded.wanted.choices, (number, text), None)
            return number
        if kept[number] is not None:
            self._new[id(choices)] = (choices, number)
        return kept[number]

    def whole(self, db: Statements, job: bytes, number: int | None) -> bytes:
        """A job's JSON with its choices."""
        return self._known.whole(db, job, number)

    def committed(self) -> None:
        """What this commit added is on disk."""
        for choices, number in self._new.values():
            self._known.learn(choices, number)
