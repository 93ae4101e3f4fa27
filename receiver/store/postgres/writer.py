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
#: For so long it is asked what became of a commit whose answer was lost, seconds.
SETTLED_WITHIN: Final = 5.0
ASK_EVERY: Final = 0.1


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

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def commit(self, works: Sequence[Work]) -> Committed:
        """All works in one transaction; if one of them raises, each in a transaction of its own."""
        try:
            return self._patiently(works)
        except Exception as wrong:  # noqa: BLE001 - whatever a work raised is its caller's, and nobody else's
            error = translated_fault(wrong)
            if len(works) == 1 or isinstance(error, StoreUnavailable):
                return Committed([Result(None, error) for _ in works], [], [])
        each = [self.commit([work]) for work in works]
        return Committed(
            [one.results[0] for one in each],
            [call for one in each for call in one.calls],
            [event for one in each for event in one.events],
        )

    def _patiently(self, works: Sequence[Work]) -> Committed:
        """The same again where the connection broke before the commit, or others were in the way."""
        commit = self._together
        for tries_left in reversed(range(TRIES)):
            try:
                try:
                    return commit(works)
                except (NeedsExclusive, psycopg.IntegrityError, *CONFLICTS):
                    if commit == self._alone:
                        raise
                commit = self._alone
                return commit(works)
            except CONFLICTS:
                if not tries_left:
                    raise
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if not tries_left or self._connection is not None:
                    raise
        raise AssertionError("the last try returns or raises")

    def _opened(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._address)
        return self._connection

    # --- together with other processes: a unit of work

    def _together(self, works: Sequence[Work]) -> Committed:
        connection = self._opened()
        if self._ids.leads:
            raise NeedsExclusive
        run = UnitRun(connection, self._ids, self._shared, self._owner)
        try:
            results = run.results(works)
            if run.has_written:
                self._end(connection, run.begun(), run.unit.pending)
            elif run.xid is not None:
                connection.execute("ROLLBACK")
        except BaseException:
            self._give_up(connection)
            raise
        return Committed(results, run.tx.calls, run.tx.events_added)

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
        """Commits, and tells the others. Returns only if it is on disk."""
        try:
            with connection.pipeline():
                if pending is not None:
                    pending.write(connection)
                connection.execute("COMMIT")
                connection.execute(f"NOTIFY {CHANNEL}")
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
                connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
        if connection.closed and self._connection is connection:
            self._connection = None
