"""What a flow reads and writes within one SQLite transaction: plain SQL, record in, record out."""

from __future__ import annotations

import sqlite3

from receiver.contracts import Counts
from receiver.ids import Ids
from receiver.store.tables.deliveries import Deliveries
from receiver.store.tables.events import Events
from receiver.store.tables.jobs import Jobs
from receiver.store.tables.money import Money
from receiver.store.tables.requests import Requests


class SqliteTransaction(Requests, Jobs, Money, Events, Deliveries):
    """`receiver.contracts.Transaction` on an open SQLite connection; begin and commit are the store's."""

    def __init__(self, db: sqlite3.Connection, ids: Ids) -> None:
        self.ids = ids
        self._db = db

    def counts(self) -> Counts:
        """How many deliveries and jobs wait or went wrong; each is counted on an index that holds only those."""
        one_state = "SELECT count(*) FROM deliveries WHERE state = '{}'"
        deliveries = {state: self._one(one_state.format(state), ()) for state in ("pending", "running", "dead")}
        open_jobs = self._db.execute(
            """
            SELECT source, status, count(*) FROM jobs WHERE status NOT IN ('completed', 'failed', 'canceled')
            GROUP BY source, status
            """
        )
        return Counts(
            deliveries={state: int(row[0]) if row else 0 for state, row in deliveries.items()},
            jobs={(source, status): int(count) for source, status, count in open_jobs},
        )

    def probe(self, size: int) -> None:
        """Writes so many bytes and takes them away again: fails where a request of that size could not be kept."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('probe', zeroblob(?))", (size,))
        self._db.execute("UPDATE meta SET value = x'00' WHERE name = 'probe'")
