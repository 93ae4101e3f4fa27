"""A store for tests of what is taken away: in memory, written at once, and killed whenever a test wants it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final, TypeVar

from receiver.contracts import Transaction, Watch
from receiver.lib import ids
from receiver.workers.retention import jobs as retention
from support.records import NOW
from support.stepping import SteppedStore
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


class Direct:
    """`receiver.contracts.Store` on a database in memory; killed instead of the last of `writes`."""

    def __init__(self) -> None:
        self._stepped = SteppedStore(Clock())
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


def orphans(db: sqlite3.Connection, *, with_requests: bool = True) -> list[object]:
    """Rows that name a row which is not there; `with_requests` False: events may name requests that are gone."""
    wanted = [sql for sql in ORPHANS if with_requests or "request NOT IN" not in sql]
    return [row for sql in wanted for row in db.execute(sql)]


def hasty() -> retention.PrunePace:
    """A pace that does not rest, with the smallest steps to begin with."""
    pace = retention.PrunePace(rests=False)
    pace.size = 1
    return pace
