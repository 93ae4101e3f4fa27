"""The next actions of finished jobs, kept once for all that have the same: they are half of a job's JSON."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.model.jobs import Job, NextAction
from receiver.store.sql.keys import key_of
from receiver.store.sql.statements import Statements

_ENCODER: Final = msgspec.json.Encoder()

#: So many are kept apart; a vendor whose jobs all differ leaves the others where they are.
MOST: Final = 1_000
_FIELDS: Final = Job.__struct_fields__
#: What stands in a job's JSON in their place, with the field behind it. Never within a text, where quotes are escaped;
#: and behind the last table that may hold foreign names, so the last one is the one that is meant.
EMPTY: Final = b'"next_actions":[],"%b":' % _FIELDS[_FIELDS.index("next_actions") + 1].encode()
#: How much of that stands before and behind the choices.
OPENING: Final = len(b'"next_actions":')
CLOSING: Final = OPENING + len(b"[]")

Choices = tuple[NextAction, ...]


class ChoicesCache:
    """What is known of the table `choices`, so that it is hardly ever asked."""

    def __init__(self) -> None:
        #: By the identity of what a provider returns: the same object for all jobs of a kind.
        self._numbers: dict[int, tuple[Choices, int]] = {}
        self._texts: dict[int, bytes] = {}

    def keep(self, db: Statements, choices: Choices) -> int | None:
        """The number under which these choices are kept; None if they must stand in the job itself."""
        known = self.number_of(choices)
        if known is not None:
            return known
        text = _ENCODER.encode(choices)
        number = key_of(text)
        if db.execute("SELECT body FROM choices WHERE number = ?", (number,)).fetchone() is None:
            if db.execute("SELECT count(*) FROM choices").fetchone()[0] >= MOST:
                return None
            db.execute("INSERT INTO choices VALUES (?, ?)", (number, text))
        self.learn(choices, number)
        self._texts[number] = text
        return number

    def number_of(self, choices: Choices) -> int | None:
        """The number under which these very choices are known to be kept."""
        known = self._numbers.get(id(choices))
        return known[1] if known is not None and known[0] is choices else None

    def learn(self, choices: Choices, number: int) -> None:
        """These are kept under this number."""
        if len(self._numbers) >= MOST:
            self._numbers.clear()
        self._numbers[id(choices)] = (choices, number)

    def separate(self, db: Statements, job: Job) -> tuple[int | None, bytes]:
        """The number of a job's choices and its JSON without them; or None and the JSON with them."""
        number = self.keep(db, job.next_actions)
        if number is not None:
            body = _ENCODER.encode(msgspec.structs.replace(job, next_actions=()))
            if EMPTY in body:  # else `whole` could not put them back
                return number, body
        return None, _ENCODER.encode(job)

    def forget(self) -> None:
        """What was written is not there after all: the transaction was rolled back."""
        self._numbers.clear()

    def whole(self, db: Statements, job: bytes, number: int | None) -> bytes:
        """A job's JSON with its choices."""
        if number is None:
            return job
        text = self._texts.get(number)
        if text is None:
            text = self._texts[number] = db.execute("SELECT body FROM choices WHERE number = ?", (number,)).fetchone()[
                0
            ]
        place = job.rindex(EMPTY)
        return job[: place + OPENING] + text + job[place + CLOSING :]
