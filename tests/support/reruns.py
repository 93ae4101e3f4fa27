"""Works of the store that are cut off and run again, as an engine does that must fetch or lock first what they read."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import pytest
import structlog

from receiver.contracts import Result, Transaction
from receiver.store.postgres.rounds import UnitRun
from receiver.store.postgres.units.unit import Missing, NeedsExclusive
from receiver.store.postgres.units.unit_transaction import UnitTransaction
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.transaction import SqliteTransaction

T = TypeVar("T")

#: At which read (on PostgreSQL: change) a run of a work is cut off; None = it is run to its end and taken back all the
#: same.
CUT_OFFS: Final = (1, 2, 4, None)

_here = threading.local()


class CutOff(BaseException):
    """The engine ends this run of a work."""


class CuttingConnection:
    """A connection on which a run is cut off at a read."""

    def __init__(self, db: sqlite3.Connection, cut_off: int | None) -> None:
        self._db = db
        self._left = cut_off

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """The same on the real one. Raises CutOff at the read that is meant."""
        if self._left is not None and sql.lstrip().startswith("SELECT"):
            self._left -= 1
            if self._left == 0:
                raise CutOff
        return self._db.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def five_times(work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """A work that is run five times: cut off at its first, second and fourth read, taken back whole, then for good."""

    def run(tx: Transaction) -> T:
        with _within_work():
            for cut_off in CUT_OFFS:
                if isinstance(tx, SqliteTransaction):
                    _run_for_nothing(tx, work, cut_off)
                elif isinstance(tx, UnitTransaction):
                    _run_in_memory(tx, work, cut_off)
            return work(tx)

    return run


def _run_in_memory(tx: UnitTransaction, work: Callable[[Transaction], Any], cut_off: int | None) -> None:
    """The same in a unit of work; one that has the database to itself runs works once, as SQLite does."""
    unit, left = tx._unit, cut_off
    mark, calls, events, is_doomed = unit.mark(), len(tx.calls), len(tx.events_added), unit.is_doomed
    put = unit.put

    def cutting(among: dict[Any, Any], key: Any, value: Any) -> None:
        nonlocal left
        if left is not None:
            left -= 1
            if left == 0:
                raise CutOff
        put(among, key, value)

    unit.put = cutting  # type: ignore[method-assign]
    try:
        with contextlib.suppress(Exception, CutOff, Missing, NeedsExclusive):
            work(tx)
    finally:
        del unit.put
        unit.back_to(mark)
        unit.is_doomed = is_doomed
        del tx.calls[calls:], tx.events_added[events:]


def _run_for_nothing(tx: SqliteTransaction, work: Callable[[Transaction], Any], cut_off: int | None) -> None:
    db, calls = tx._db, list(tx.calls)
    db.execute("SAVEPOINT rerun")
    tx._db = CuttingConnection(db, cut_off)  # type: ignore[assignment]
    try:
        with contextlib.suppress(Exception, CutOff):  # what it raises, it raises for good in the last run
            work(tx)
    finally:
        tx._db, tx.calls = db, calls
        tx._shared.forget()
        if db.in_transaction:
            db.execute("ROLLBACK TO rerun")
            db.execute("RELEASE rerun")


@contextlib.contextmanager
def _within_work() -> Iterator[None]:
    _here.works = True
    try:
        yield
    finally:
        _here.works = False


def refuse_within_work(_: Any, __: str, line: Any) -> Any:
    """A structlog processor: a work may run any number of times, so it logs nothing itself."""
    assert not getattr(_here, "works", False), f"a work logs by itself: {line}"
    return line


@pytest.fixture
def works_run_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every work of every store runs five times, and logs nothing but by `Transaction.afterwards`."""
    commit, results = SqliteStore._commit, UnitRun.results

    def again_and_again(
        store: SqliteStore, works: Sequence[Callable[..., Any]], db: sqlite3.Connection
    ) -> list[Result]:
        return commit(store, [five_times(work) for work in works], db)

    def over_and_over(run: UnitRun, works: Sequence[Callable[..., Any]]) -> list[Result | None]:
        return results(run, [five_times(work) for work in works])

    monkeypatch.setattr(SqliteStore, "_commit", again_and_again)
    monkeypatch.setattr(UnitRun, "results", over_and_over)
    structlog.configure(processors=[refuse_within_work, *structlog.get_config()["processors"]])
