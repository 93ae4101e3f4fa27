"""A store for tests of what is taken away: in memory, written at once, and killed whenever a test wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg

from receiver.contracts import Transaction, Watch
from receiver.lib import ids
from receiver.lib.ids import Ids
from receiver.store.postgres.connections import PostgresStatements
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.sql.statements import Statements
from receiver.workers.retention import jobs as retention
from support.records import NOW
from support.stepping import Killed, SteppedStore
from support.world import Clock

T = TypeVar("T")

DAY: Final = 86_400_000
TABLES: Final = ("jobs", "events", "deliveries", "attempts", "requests")
#: Rows that name a row which is not there.
ORPHANS: Final = (
    "SELECT number FROM events WHERE job NOT IN (SELECT number FROM jobs)",
    "SELECT number FROM events WHERE request IS NOT NULL AND request NOT IN (SELECT number FROM requests)",
    "SELECT number FROM deliveries WHERE job NOT IN (SELECT number FROM jobs)",
    "SELECT number FROM deliveries WHERE event IS NOT NULL AND event NOT IN (SELECT number FROM events)",
    "SELECT delivery FROM attempts WHERE delivery NOT IN (SELECT number FROM deliveries)",
    "SELECT number FROM jobs WHERE root NOT IN (SELECT number FROM jobs)",
    "SELECT number FROM jobs WHERE parent IS NOT NULL AND parent NOT IN (SELECT number FROM jobs)",
    "SELECT job FROM tags WHERE job NOT IN (SELECT number FROM jobs)",
)


class Numbers:
    """Hands out ids of any age."""

    def __init__(self) -> None:
        self._count = 0

    def at(self, days: int) -> int:
        self._count += 1
        return ids.first_at(NOW - days * DAY) + self._count


class EmptiedStore(SteppedStore):
    """The same on a schema of PostgreSQL, which is emptied at the end."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.torn = False
        self.clock = Clock()
        self._connection = connection
        self._tx: Any = PostgresTransaction(PostgresStatements(connection), Ids(self.clock))

    def commit(self, work: Callable[[Transaction], T]) -> T:
        """Writes at once. Raises Killed, with nothing written, if the store is `torn`."""
        with self._connection.transaction():
            value = work(self._tx)
            if self.torn:
                raise Killed
        return value

    def close(self) -> None:
        """Forgets everything."""
        self._connection.execute(f"TRUNCATE {', '.join(TABLES)}, tags, forgotten, meta_numbers".encode())


class Direct:
    """`receiver.contracts.Store` on a database of this process alone; killed instead of the last of `writes`."""

    def __init__(self, stepped: SteppedStore | None = None) -> None:
        self._stepped = stepped or SteppedStore(Clock())
        self.ref_key = self._stepped.ref_key
        self.clock = self._stepped.clock
        self.writes = 10_000

    def leads(self) -> bool:
        """There is nobody else."""
        return True

    def life(self) -> int:
        """Always the same: there is nobody else."""
        return 1

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Writes at once. Raises Killed, with nothing written, at the last write."""
        self.writes -= 1
        self._stepped.torn = self.writes <= 0
        return self._stepped.commit(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Reads at once."""
        return self._stepped.view(work)

    def watch(self) -> Watch:
        """Nothing here waits for commits."""
        raise NotImplementedError

    def close(self) -> None:
        """Forgets everything."""
        self._stepped.close()


def orphans(db: Statements, *, with_requests: bool = True) -> list[object]:
    """Rows that name a row which is not there; `with_requests` False: events may name requests that are gone."""
    wanted = [sql for sql in ORPHANS if with_requests or "request NOT IN" not in sql]
    return [row for sql in wanted for row in db.execute(sql).fetchall()]


def hasty() -> retention.PrunePace:
    """A pace that does not rest, with the smallest steps to begin with."""
    pace = retention.PrunePace(rests=False)
    pace.size = 1
    return pace
