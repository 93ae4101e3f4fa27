"""Runs works as one unit: round after round, until none of them misses anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg.errors import SerializationFailure

from receiver.contracts import Result, Transaction
from receiver.lib.ids import Ids
from receiver.store.postgres.connections import PostgresStatements
from receiver.store.postgres.faults import translated_fault
from receiver.store.postgres.migrate import WRITERS, check_version
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.postgres.units.fetching import Fetch
from receiver.store.postgres.units.unit import Missing, NeedsExclusive, UnitOfWork
from receiver.store.postgres.units.unit_choices import UnitChoices
from receiver.store.postgres.units.unit_transaction import UnitTransaction
from receiver.store.sql.choices import ChoicesCache

#: The last one tells the transaction's id, and the schema's version: a newer gridhook may have changed it.
_BEGIN: Final = (
    "BEGIN",
    f"SELECT pg_advisory_xact_lock{{}}({WRITERS})",
    "SELECT pg_current_xact_id()::text, value FROM meta_numbers WHERE name = 'schema'",
)
SHARED: Final = tuple(statement.format("_shared") for statement in _BEGIN)
EXCLUSIVE: Final = tuple(statement.format("") for statement in _BEGIN)
#: So often the first locks are taken, if more jobs appear while some are waited for.
LOCKED_ANEW: Final = 5
#: A work that still misses something then is left to a commit that has the database to itself.
MOST_ROUNDS: Final = 8

Works = Sequence[Callable[[Transaction], Any]]


class UnitRun:
    """The works of one commit, run on a connection."""

    def __init__(self, connection: psycopg.Connection[Any], ids: Ids, shared: ChoicesCache, owner: int) -> None:
        self._connection = connection
        self._owner = owner
        self.unit = UnitOfWork(ids)
        self._choices = UnitChoices(self.unit, shared)
        self.tx = UnitTransaction(self.unit, ids, self._choices, owner)
        #: Decodes what is read; what it needs besides, it reads at once.
        self._decoder = PostgresTransaction(PostgresStatements(connection), ids, shared, owner)
        #: The transaction's id; None = it has not begun.
        self.xid: str | None = None

    @property
    def has_written(self) -> bool:
        """Whether there is anything to commit."""
        unit = self.unit
        has_claimed = any(claimed.deliveries for claimed in unit.claimed.values())
        return bool(unit.pending or has_claimed or unit.loaded.choices or unit.must_commit or unit.has_flushed)

    def begun(self) -> str:
        """The transaction's id; begins it if it has not begun."""
        if self.xid is None:
            self.xid = begin(self._connection, SHARED)
        return self.xid

    def committed(self) -> None:
        """It is on disk."""
        self._choices.committed()

    def results(self, works: Works) -> list[Result | None]:
        """What became of each; one that raises does not keep the others from being kept.

        None: it is left to a commit that has the database to itself. Raises NeedsExclusive if that is so of a work that
        has claimed deliveries, or what such a work raised.
        """
        results: dict[int, Result | None] = {}
        for turn in range(MOST_ROUNDS):
            self.unit.turn = turn
            self.unit.is_behind_another = False
            self.unit.blocked = set()
            for place, work in enumerate(works):
                if place not in results:
                    self.unit.running = place
                    self._run(place, work, results)
            if len(results) == len(works):
                break
            self._fetch()
        if len(results) < len(works):
            self._leave_none_that_claimed(place for place in range(len(works)) if place not in results)
        return [results.get(place) for place in range(len(works))]

    def _run(self, place: int, work: Callable[[Transaction], Any], results: dict[int, Result | None]) -> None:
        """Runs one work; what it does is taken back if it misses something, or raises."""
        unit, tx = self.unit, self.tx
        mark, calls, events = unit.mark(), len(tx.calls), len(tx.events_added)
        unit.is_doomed, unit.began, unit.touched = False, mark, set()
        try:
            value = work(tx)
        except Missing:
            unit.is_doomed = True
        except NeedsExclusive:
            if not unit.is_doomed:
                self._leave_none_that_claimed([place])
                unit.has_left = True
                results[place] = None
        except Exception as wrong:  # noqa: BLE001 - it is its caller's, and takes no neighbour with it
            if not unit.is_doomed:
                self._leave_none_that_claimed([place], wrong)
                results[place] = Result(None, translated_fault(wrong))
        else:
            if not unit.is_doomed:
                results[place] = Result(value, None)
                return
        if unit.is_doomed:
            unit.is_behind_another = True
            unit.blocked |= unit.touched
        unit.back_to(mark)
        del tx.calls[calls:], tx.events_added[events:]

    def _leave_none_that_claimed(self, places: Iterable[int], wrong: BaseException | None = None) -> None:
        """What is claimed can only be taken back with everything."""
        claimed = {place for place, _ in self.unit.claimed}
        if claimed & set(places):
            raise wrong or NeedsExclusive

    def _fetch(self) -> None:
        """Has what is missing locked and read. Raises psycopg.Error."""
        first = SHARED if self.xid is None else ()
        wanted = self.unit.loaded.wanted
        for left in reversed(range(LOCKED_ANEW)):
            try:
                rows = Fetch(self.unit, self._connection, self._owner).run(first, self._decoder.kept)
                break
            except SerializationFailure:
                if not first or not left or self.unit.has_flushed:
                    raise
                # Nothing is held but these locks: they are let go, and taken anew in their order.
                self._connection.rollback()
                self.unit.loaded.wanted = wanted
        if first:
            self.xid = _begun_as(rows[-1])


def begin(connection: psycopg.Connection[Any], statements: Sequence[str]) -> str:
    """Begins a transaction by these statements; returns its id, which the last of them tells."""
    with connection.pipeline():
        found = [connection.execute(statement.encode()) for statement in statements]
    return _begun_as(found[-1].fetchone())


def _begun_as(row: tuple[Any, ...] | None) -> str:
    """The transaction's id. Raises StoreUnavailable if the schema is a newer gridhook's."""
    xid, version = row or ("", None)
    check_version(version)
    return str(xid)
