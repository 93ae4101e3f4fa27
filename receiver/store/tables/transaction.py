"""What a flow reads and writes within one transaction: plain SQL, record in, record out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from receiver.contracts import Counts
from receiver.lib.ids import IdLead, Ids, made_at, spans_made
from receiver.store.sql.choices import ChoicesCache
from receiver.store.sql.statements import Statements
from receiver.store.tables.claims import ClaimsTable
from receiver.store.tables.clock import ClockTable
from receiver.store.tables.early_pruning import EarlyPruningTables
from receiver.store.tables.events import EventsTable
from receiver.store.tables.fetched_keys import FetchedKeysTable
from receiver.store.tables.inline_pictures import InlinePicturesTable
from receiver.store.tables.jobs import IS_OPEN, JobsTable
from receiver.store.tables.money import MoneyTable
from receiver.store.tables.refused import RefusedTable
from receiver.store.tables.requests import RequestsTable
from receiver.store.tables.sessions import SessionsTable
from receiver.store.tables.traces import TracesTable

#: Nothing is counted any further, so that a count never takes long.
MOST_COUNTED: Final = 100_000
OPEN: Final = f"jobs INDEXED BY jobs_open WHERE {IS_OPEN}"


class SqlTransaction(
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
    """`receiver.contracts.Transaction` by statements, but for what only an engine knows; who opened it commits."""

    def __init__(self, db: Statements, ids: Ids, shared: ChoicesCache | None = None, owner: int = 0) -> None:
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
            wal_bytes=self._wal_bytes(),
        )

    def _open(self) -> Iterator[tuple[str, str]]:
        """Sources and statuses of open jobs: each is one step in their index, however many jobs have them."""
        after = f"SELECT source, status FROM {OPEN} AND (source, status) > (?, ?) ORDER BY source, status LIMIT 1"
        pair = self._one(after, ("", ""))
        while pair is not None:
            yield pair[0], pair[1]
            pair = self._one(after, pair)

    def _up_to(self, rows: str, values: tuple[object, ...]) -> int:
        row = self._one(f"SELECT count(*) FROM ({rows} LIMIT ?) AS few", (*values, MOST_COUNTED))
        return int(row[0]) if row else 0

    def _wal_bytes(self) -> int | None:
        """How large the log is of what is not in the database's file yet; None = there is none to be seen."""
        return None
