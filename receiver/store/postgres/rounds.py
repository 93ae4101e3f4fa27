"""Runs works as one unit: round after round, until none of them misses anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg

from receiver.contracts import Result, Transaction
from receiver.lib.ids import Ids
from receiver.store.postgres.connections import PostgresStatements
from receiver.store.postgres.faults import translated_fault
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.postgres.unit import Missing, NeedsExclusive, UnitOfWork, UnitTransaction
from receiver.store.sql.choices import ChoicesCache

#: Every commit holds this lock: shared, if it locks the rows that it changes, or alone, if it may do anything.
LOCK: Final = 0x77726974
_BEGIN: Final = ("BEGIN", f"SELECT pg_advisory_xact_lock{{}}({LOCK})", "SELECT pg_current_xact_id()::text")
SHARED: Final = tuple(statement.format("_shared") for statement in _BEGIN)
EXCLUSIVE: Final = tuple(statement.format("") for statement in _BEGIN)
#: A work that still misses something then is left to a commit that has the database to itself.
MOST_ROUNDS: Final = 8


class UnitRun:
    """The works of one commit, run on a connection."""

    def __init__(self, connection: psycopg.Connection[Any], ids: Ids, shared: ChoicesCache, owner: int) -> None:
        self._connection = connection
        direct = PostgresStatements(connection)
        self.unit = UnitOfWork(ids)
        self.tx = UnitTransaction(self.unit, direct, self._go_direct, ids, shared, owner)
        #: Decodes what is read; what it needs besides, it reads at once.
        self._decoder = PostgresTransaction(direct, ids, shared, owner)
        #: The transaction's id; None = it has not begun.
        self.xid: str | None = None

    @property
    def has_written(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.unit.pending) or self.tx.went_direct

    def begun(self) -> str:
        """The transaction's id; begins it if it has not begun."""
        if self.xid is None:
            self.xid = begin(self._connection, SHARED)
        return self.xid

    def results(self, works: Sequence[Callable[[Transaction], Any]]) -> list[Result]:
        """What became of each; one that raises does not keep the others from being kept.

        Raises NeedsExclusive, or what a work raised that had run statements.
        """
        results: list[Result] = []
        for _ in range(MOST_ROUNDS):
            self._round(works[len(results) :], results)
            if len(results) == len(works):
                return results
            self._fetch()
        raise NeedsExclusive

    def _round(self, works: Sequence[Callable[[Transaction], Any]], results: list[Result]) -> None:
        """Runs works in order up to the first that misses something; those behind it tell what they miss too."""
        self.tx.is_probing = False
        for work in works:
            mark, calls = self.unit.mark(), len(self.tx.calls)
            events = len(self.tx.events_added)
            result: Result | None = None
            try:
                result = Result(work(self.tx), None)
            except Missing:
                self.tx.is_probing = True
            except Exception as wrong:
                if self.tx.went_direct:
                    raise
                result = Result(None, translated_fault(wrong))
            if self.tx.is_probing or result is None or result.error is not None:
                self.unit.back_to(mark)
                del self.tx.calls[calls:], self.tx.events_added[events:]
            if result is not None and not self.tx.is_probing:
                results.append(result)

    def _fetch(self) -> None:
        first = SHARED if self.xid is None else ()
        rows = self.unit.loaded.fetch(self._connection, first, self._decoder.kept)
        if first:
            self.xid = str(rows[-1][0])

    def _go_direct(self) -> None:
        self.begun()
        if self.unit.pending:
            with self._connection.pipeline():
                self.unit.pending.write(self._connection)


def begin(connection: psycopg.Connection[Any], statements: Sequence[str]) -> str:
    """Begins a transaction by these statements; returns its id, which the last of them tells."""
    with connection.pipeline():
        found = [connection.execute(statement.encode()) for statement in statements]
    row = found[-1].fetchone()
    return str(row[0]) if row is not None else ""
