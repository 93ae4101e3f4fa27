"""Statements of a unit of work: what is written is taken note of, what is read is asked for once for all works."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from receiver.store.postgres.units import flush
from receiver.store.postgres.units.flush import RowsInto
from receiver.store.postgres.units.loaded import tables_of
from receiver.store.postgres.units.unit import NeedsExclusive, UnitOfWork
from receiver.store.sql.statements import Rows
from receiver.store.tables import clock, deliveries, events, inline_pictures, jobs, requests

#: Of a new job's row: the columns that an update changes come first, and where its check and its intent stand.
_CHANGING: Final = 8
_CHECK: Final = 4
_INTENT: Final = 11
_READS: Final = ("SELECT", "WITH")


class KnownRows:
    """What a statement returned, or wrote, without being run now: `receiver.store.sql.Rows`."""

    def __init__(self, rows: Sequence[Any] = (), rowcount: int = 0) -> None:
        self.rowcount = rowcount
        self._rows = iter(rows)

    def fetchone(self) -> Any:
        """The next row, None if there is none."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """All further rows."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class UnitStatements:
    """`receiver.store.sql.Statements` on a unit of work; what it cannot take note of raises NeedsExclusive."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._noted: Mapping[str, Callable[[Sequence[Any]], int]] = {
            requests.ADD: lambda row: self.note(flush.REQUESTS, row[0], row),
            requests.MARK: self._mark_request,
            events.ADD: self._add_event,
            jobs.ADD: lambda row: self.note(flush.NEW_JOBS, row[-1], row),
            jobs.PUT: self._put_job,
            jobs.ANSWER: self._answer,
            jobs.CHECK_AT: self._check_at,
            jobs.ADD_TAG: lambda row: self.note(flush.TAGS, tuple(row), row),
            deliveries.ADD: lambda row: self.note(flush.NEW_DELIVERIES, row[0], row),
            deliveries.ADD_NEW: lambda row: self.note(
                flush.NEW_DELIVERIES, row[0], (*row[:4], "pending", row[4], 0, 0, None)
            ),
            deliveries.ADD_ATTEMPT: lambda row: self.note(flush.ATTEMPTS, tuple(row[:2]), row),
            inline_pictures.ADD: lambda row: self.note(flush.PICTURES, tuple(row[:2]), row),
            clock.KEEP: lambda row: self.note(flush.META, row[0], row),
        }

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        """Takes note of what it writes, or returns what it reads. Raises NeedsExclusive, or Missing."""
        note = self._noted.get(sql)
        if note is not None:
            return KnownRows(rowcount=note(values))
        if not sql.lstrip().startswith(_READS):
            raise NeedsExclusive
        loaded, asked = self._unit.loaded, (sql, tuple(values))
        rows = loaded.reads.get(asked)
        if rows is None or self._unit.pending.touches(tables_of(sql)):
            rows = self._unit.ask(asked)
        return KnownRows(rows)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Takes note of each of these rows."""
        for row in rows:
            self.execute(sql, row)

    def note(self, kind: RowsInto, key: object, row: Sequence[Any] | None) -> int:
        """A row is to be written; None: it is not, after all."""
        self._unit.put(self._unit.pending.of(kind), key, row)
        return 1

    def _mark_request(self, row: Sequence[Any]) -> int:
        state, note, number = row
        new = self._unit.pending.of(flush.REQUESTS).get(number)
        if new is not None:
            return self.note(flush.REQUESTS, number, (*new[:2], state, *new[3:5], note, *new[6:]))
        return self.note(flush.MARKS, number, row)

    def _add_event(self, row: Sequence[Any]) -> int:
        number, job, key = row[:3]
        if job == 0 and key == number:  # of the operator's: its own number is its key
            return self.note(flush.EVENTS, number, row)
        known = self._unit.loaded.event_keys.get(job)
        if known is None:
            if not self._unit.is_new(job):
                raise NeedsExclusive  # an event of a job that nobody has read
            known = frozenset()
        if key in known:
            return 0
        self._unit.put(self._unit.loaded.event_keys, job, known | {key})
        return self.note(flush.EVENTS, number, row)

    def _put_job(self, row: Sequence[Any]) -> int:
        number = row[-1]
        new = self._unit.pending.of(flush.NEW_JOBS).get(number)
        if new is not None:
            return self.note(flush.NEW_JOBS, number, (*row[:_CHANGING], *new[_CHANGING:]))
        if number in self._unit.pending.of(flush.CHECKS):
            self.note(flush.CHECKS, number, None)
        return self.note(flush.JOBS, number, row)

    def _answer(self, row: Sequence[Any]) -> int:
        intent, number = row
        new = self._unit.pending.of(flush.NEW_JOBS).get(number)
        if new is not None:
            return self.note(flush.NEW_JOBS, number, (*new[:_INTENT], intent, *new[_INTENT + 1 :]))
        return self.note(flush.ANSWERS, number, row)

    def _check_at(self, row: Sequence[Any]) -> int:
        at, number = row
        for kind in (flush.NEW_JOBS, flush.JOBS):
            known = self._unit.pending.of(kind).get(number)
            if known is not None:
                return self.note(kind, number, (*known[:_CHECK], at, *known[_CHECK + 1 :]))
        return self.note(flush.CHECKS, number, row)
