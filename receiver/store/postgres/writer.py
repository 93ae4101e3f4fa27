"""Commits works on one connection, and finds out what became of a commit whose answer was lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

import psycopg
import structlog

from receiver.contracts import Result
from receiver.errors import StoreUnavailable
from receiver.lib.ids import Ids
from receiver.store.commit_hooks import Work
from receiver.store.postgres.connections import PostgresStatements, connect
from receiver.store.postgres.faults import CONFLICTS, translated_fault
from receiver.store.postgres.flush import PendingRows
from receiver.store.postgres.rounds import EXCLUSIVE, UnitRun, begin
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.postgres.unit import NeedsExclusive
from receiver.store.sql.choices import ChoicesCache

log = structlog.get_logger("store")

CHANNEL: Final = "gridhook"
#: A commit is tried again so often on a new connection, if the old one broke before it.
TRIES: Final = 2
#: So often works that share a commit are tried together while others are in the way; then each by itself.
CONFLICTS_TAKEN: Final = 4
#: For so long it is asked what became of a commit whose answer was lost, seconds.
SETTLED_WITHIN: Final = 5.0
ASK_EVERY: Final = 0.1


class ConflictsLeft(Exception):
    """Works that share a commit are in the way of others, again and again: each is to be committed by itself."""


class Committed(NamedTuple):
    """What became of works, and what they want called now."""

    results: list[Result]
    calls: list[Callable[[], None]]
    #: Source and type of each event that is kept.
    events: list[tuple[str, str]]


class Writer:
    """Commits works; every call comes from one thread."""

    def __init__(self, address: str, ids: Ids, owner: int) -> None:
        self._address = address
        self._ids = ids
        self._owner = owner
        self._shared = ChoicesCache()
        self._connection: psycopg.Connection[Any] | None = None
        #: Commits of units of work, and how often one was begun.
        self.commits = 0
        self.tries = 0

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def commit(self, works: Sequence[Work]) -> Committed:
        """All works in one transaction; if that breaks or others are in the way, each in a transaction of its own."""
        try:
            return self._patiently(works)
        except Exception as wrong:  # noqa: BLE001 - whatever a work raised is its caller's, and nobody else's
            error = translated_fault(wrong)
            if len(works) == 1 or isinstance(error, StoreUnavailable):
                return Committed([Result(None, error) for _ in works], [], [])
        return _joined([self.commit([work]) for work in works])

    def _patiently(self, works: Sequence[Work]) -> Committed:
        """The same again where the connection broke before the commit, or others were in the way."""
        conflicts = losses = 0
        while True:
            self.tries += 1
            try:
                return self._together(works)
            except (NeedsExclusive, *CONFLICTS) as wrong:
                conflicts += 1
                if conflicts < CONFLICTS_TAKEN and not isinstance(wrong, NeedsExclusive):
                    continue
                if len(works) == 1:
                    return self._exclusively(works)
                raise ConflictsLeft from wrong
            except (psycopg.OperationalError, psycopg.InterfaceError):
                losses += 1
                if losses == TRIES or self._connection is not None:
                    raise

    def _exclusively(self, works: Sequence[Work]) -> Committed:
        """The same while nobody else commits; again where the connection broke before it."""
        for tries_left in reversed(range(TRIES)):
            try:
                return self._alone(works)
            except (psycopg.OperationalError, psycopg.InterfaceError) as wrong:
                is_conflict = isinstance(wrong, CONFLICTS)
                if not tries_left or (self._connection is not None and not is_conflict):
                    raise
        raise AssertionError("the last try returns or raises")

    def _opened(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._address)
        return self._connection

    # --- together with other processes: a unit of work

    def _together(self, works: Sequence[Work]) -> Committed:
        """Works in one transaction, and those that need the database to themselves behind it, each in its own."""
        connection = self._opened()
        if self._ids.leads:
            return self._exclusively(works)
        run = UnitRun(connection, self._ids, self._shared, self._owner)
        try:
            results = run.results(works)
            if run.has_written:
                self._end(connection, run.begun(), run.unit.pending)
                run.committed()
            elif run.xid is not None:
                connection.execute("ROLLBACK")
        except BaseException:
            self._give_up(connection)
            raise
        self.commits += 1
        calls, events = run.tx.calls, run.tx.events_added
        kept: list[Result] = []
        for work, result in zip(works, results, strict=True):
            if result is not None:
                kept.append(result)
                continue
            alone = self._left(work)
            kept += alone.results
            calls, events = calls + alone.calls, events + alone.events
        return Committed(kept, calls, events)

    def _left(self, work: Work) -> Committed:
        try:
            return self._exclusively([work])
        except Exception as wrong:  # noqa: BLE001 - its neighbours are on disk
            return Committed([Result(None, translated_fault(wrong))], [], [])

    # --- alone: a statement at a time, while nobody else writes

    def _alone(self, works: Sequence[Work]) -> Committed:
        connection = self._opened()
        tx = PostgresTransaction(PostgresStatements(connection), self._ids, self._shared, self._owner)
        try:
            xid = begin(connection, EXCLUSIVE)
            values = [work(tx) for work in works]
            leads = tx.keep_leads()
            self._end(connection, xid)
        except BaseException:
            self._shared.forget()
            self._give_up(connection)
            raise
        del self._ids.leads[: len(leads)]
        return Committed([Result(value, None) for value in values], tx.calls, tx.events_added)

    def _end(self, connection: psycopg.Connection[Any], xid: str, pending: PendingRows | None = None) -> None:
        """Commits, and tells the others that it was this process. Returns only if it is on disk."""
        try:
            with connection.pipeline():
                if pending is not None:
                    pending.write(connection)
                connection.execute("COMMIT")
                connection.execute(f"NOTIFY {CHANNEL}, '{self._owner}'")
        except (psycopg.OperationalError, psycopg.InterfaceError):
            if not connection.closed:
                raise
            self._connection = None
            if not self._was_committed(xid):
                raise

    def _was_committed(self, xid: str) -> bool:
        """What became of a transaction whose commit was not answered. Raises StoreUnavailable if nobody knows."""
        end = monotonic() + SETTLED_WITHIN
        while True:
            with contextlib.suppress(StoreUnavailable, psycopg.Error):
                row = self._opened().execute("SELECT pg_xact_status($1::text::xid8)", (xid,)).fetchone()
                status = row[0] if row is not None else None
                if status in ("committed", "aborted"):
                    log.warning("store.commit_settled", status=status)
                    return bool(status == "committed")
            if monotonic() >= end:
                raise StoreUnavailable(
                    "the connection broke in a commit, and the database does not say what became of it"
                )
            sleep(ASK_EVERY)

    def _give_up(self, connection: psycopg.Connection[Any]) -> None:
        """Takes back what was written; a connection that cannot is let go."""
        try:
            if not connection.closed:
                # Not by a statement of our own: the driver takes statements of a pipeline that broke for prepared.
                connection.rollback()
        except psycopg.Error:
            connection.close()
        if connection.closed and self._connection is connection:
            self._connection = None


def _joined(each: Sequence[Committed]) -> Committed:
    return Committed(
        [result for one in each for result in one.results],
        [call for one in each for call in one.calls],
        [event for one in each for event in one.events],
    )
