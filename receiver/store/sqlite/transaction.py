"""What a flow reads and writes within one SQLite transaction: plain SQL, record in, record out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Final

from receiver.contracts import Counts
from receiver.lib.ids import IdLead, Ids, made_at, spans_made
from receiver.store.sqlite.choices import ChoicesCache
from receiver.store.sqlite.tables.claims import ClaimsTable
from receiver.store.sqlite.tables.clock import ClockTable
from receiver.store.sqlite.tables.early_pruning import EarlyPruningTables
from receiver.store.sqlite.tables.events import EventsTable
from receiver.store.sqlite.tables.fetched_keys import FetchedKeysTable
from receiver.store.sqlite.tables.inline_pictures import InlinePicturesTable
from receiver.store.sqlite.tables.jobs import IS_OPEN, JobsTable
from receiver.store.sqlite.tables.money import MoneyTable
from receiver.store.sqlite.tables.refused import RefusedTable
from receiver.store.sqlite.tables.requests import RequestsTable
from receiver.store.sqlite.tables.sessions import SessionsTable
from receiver.store.sqlite.tables.traces import TracesTable
from receiver.store.sqlite.wal_watch import wal_bytes

#: Nothing is counted any further, so that a count never takes long.
MOST_COUNTED: Final = 100_000
OPEN: Final = f"jobs INDEXED BY jobs_open WHERE {IS_OPEN}"


class SqliteTransaction(
    RequestsTable,
    RefusedTable,
    JobsTable,
    InlinePicturesTable,
    MoneyTable,
    EventsTable,
    ClaimsTable,
    EarlyPruningTables,
    ClockTable,
    SessionsTable,
    TracesTable,
    FetchedKeysTable,
):
    """`receiver.contracts.Transaction` on an open SQLite connection; begin and commit are the store's."""

    def __init__(self, db: sqlite3.Connection, ids: Ids, shared: ChoicesCache | None = None, owner: int = 0) -> None:
        self.ids = ids
        self.owner = owner
        self._db = db
        self._shared = shared or ChoicesCache()
        #: What is to be called when this transaction is on disk.
        self.calls: list[Callable[[], None]] = []
        self.events_added = []

    def afterwards(self, call: Callable[[], None]) -> None:
        """Has this called on the event loop, once, when the transaction is on disk."""
        self.calls.append(call)

    def made_at(self, number: int) -> int:
        """When an id was made, Unix ms, by the clock of that moment."""
        return made_at(number, self._leads())

    def number_at(self, ms: int) -> int:
        """The first id made at this moment or later: all before it were made earlier."""
        return next(spans_made(ms, None, self._leads())).low

    def keep_leads(self) -> list[IdLead]:
        """Writes how far ids run ahead of the clock, where that has changed; returns what it wrote."""
        leads = list(self.ids.leads)
        self._db.executemany("INSERT OR REPLACE INTO id_leads VALUES (?, ?)", leads)
        return leads

    def counts(self) -> Counts:
        """How many deliveries and jobs wait or went wrong; each is counted on an index that holds only those."""
        statuses = ("pending", "running", "dead")
        return Counts(
            deliveries={
                **{
                    status: self._up_to(f"SELECT 1 FROM deliveries WHERE state = '{status}'", ()) for status in statuses
                },
                "unseen": self._up_to(
                    "SELECT 1 FROM deliveries INDEXED BY deliveries_unseen WHERE state = 'dead' AND left_at IS NULL", ()
                ),
            },
            jobs={
                pair: self._up_to(f"SELECT 1 FROM {OPEN} AND source = ? AND status = ?", pair) for pair in self._open()
            },
            warnings={
                (source, warning): jobs
                for source, warning, jobs in self._db.execute("SELECT source, warning, jobs FROM job_warnings")
            },
            wal_bytes=wal_bytes(self._db.execute("PRAGMA database_list").fetchone()[2]),
        )

    def _open(self) -> Iterator[tuple[str, str]]:
        """Sources and statuses of open jobs: each is one step in their index, however many jobs have them."""
        after = f"SELECT source, status FROM {OPEN} AND (source, status) > (?, ?) ORDER BY source, status LIMIT 1"
        pair = self._one(after, ("", ""))
        while pair is not None:
            yield pair[0], pair[1]
            pair = self._one(after, pair)

    def _up_to(self, rows: str, values: tuple[object, ...]) -> int:
        row = self._one(f"SELECT count(*) FROM ({rows} LIMIT ?)", (*values, MOST_COUNTED))
        return int(row[0]) if row else 0

    def probe(self, size: int) -> None:
        """Writes so many bytes and takes them away again: fails where a request of that size could not be kept."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('probe', zeroblob(?))", (size,))
        self._db.execute("UPDATE meta SET value = x'00' WHERE name = 'probe'")
