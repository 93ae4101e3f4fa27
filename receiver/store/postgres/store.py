"""The store on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import psycopg

from receiver.contracts import Result, Transaction
from receiver.contracts.counts import ReplicaState, StoreCounts
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.lib.ids import Ids, first_at, made_at
from receiver.lib.steady_clock import SteadyClock
from receiver.lib.times import Clock, system_clock
from receiver.store.commit_hooks import CommitWatch, StoreCommitHook, Work
from receiver.store.group_commit import GroupCommit
from receiver.store.postgres.connections import PostgresStatements, connect, first_line
from receiver.store.postgres.fitness import refuse_unfit
from receiver.store.postgres.migrate import migrate
from receiver.store.postgres.moved import refuse_while_moved
from receiver.store.postgres.replicas import Replica, is_dispatched
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.postgres.watcher import Watcher
from receiver.store.postgres.writer import Writer
from receiver.store.sql.choices import ChoicesCache

T = TypeVar("T")

NEWEST = "SELECT greatest({})".format(
    ", ".join(f"(SELECT max(number) FROM {table})" for table in ("requests", "jobs", "events", "deliveries"))
)


class PostgresStore:
    """`receiver.contracts.Database` on PostgreSQL, for any number of processes.

    Three connections, each with a thread of its own: one writes, one reads, one listens and is seen to live.
    """

    def __init__(self, address: str, clock: Clock) -> None:
        self.address = address
        self.ref_key = b""
        self._machine_clock = clock
        # Any other clock is taken at its word.
        self._replica = Replica(clock if isinstance(clock, SteadyClock) else system_clock)
        self._ids = Ids(self.clock)
        self._commits = GroupCommit(self._commit_all)
        self._writer = Writer(address, self._ids, self._replica.owner)
        self._shared = ChoicesCache()
        self._reader: psycopg.Connection[Any] | None = None
        self._write_thread = ThreadPoolExecutor(1, "gridhook-writer")
        self._read_thread = ThreadPoolExecutor(1, "gridhook-reader")
        self._watcher: Watcher | None = None
        self._task: asyncio.Task[None] | None = None

    def clock(self) -> int:
        """The time that all processes on this database go by, Unix ms."""
        return self._machine_clock() + self._replica.behind_ms

    async def __aenter__(self) -> PostgresStore:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._read_thread, self._prepare)
        except BaseException as wrong:
            if self._reader is not None:
                self._reader.close()
            self._end_threads()
            if isinstance(wrong, psycopg.Error):
                raise StoreUnavailable(first_line(wrong)) from None
            raise

        def heard() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._commits.others_committed)

        self._watcher = Watcher(self.address, self._replica, heard)
        self._watcher.start()
        self._task = asyncio.create_task(self._commits.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        if self._task is not None:
            if not self._task.done():
                with contextlib.suppress(StoreUnavailable):
                    await self.write(_nothing)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._watcher is not None:
            await asyncio.to_thread(self._watcher.close)
        with contextlib.suppress(psycopg.Error, StoreUnavailable):
            await loop.run_in_executor(self._read_thread, self._leave)
        await loop.run_in_executor(self._write_thread, self._writer.close)
        self._end_threads()

    async def own_dispatching(self) -> None:
        """This process dispatches from here on, with any number of others. Raises StoreUnavailable."""
        await self._on_reader(self._replica.dispatch)

    def dispatched(self) -> bool:
        """Whether this or another process dispatches."""
        try:
            # On a connection of its own: it may be asked within a read.
            with connect(self.address) as connection:
                return is_dispatched(connection)
        except psycopg.Error as wrong:
            raise StoreUnavailable(first_line(wrong)) from None

    def leads(self) -> bool:
        """Whether this is the process with the lowest slot among those that live and dispatch."""
        return self._replica.leads

    def life(self) -> int:
        """See `receiver.contracts.Store.life`."""
        return self._replica.life()

    def replica(self) -> ReplicaState:
        """Where this process stands among those on the database."""
        replica = self._replica
        reconnects = self._watcher.reconnects if self._watcher is not None else 0
        return ReplicaState(replica.slot or 0, reconnects)

    @property
    def counts(self) -> StoreCounts:
        """What was written since the start."""
        return self._commits.counts

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """The value of `work` once it is on disk; see `receiver.contracts.Store.write`."""
        return await self._commits.write(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """The value of `work` on a consistent view of what is committed."""
        return await self._on_reader(lambda connection: self._view(connection, work))

    async def vacuum(self) -> None:
        """Nothing: the database sees to its room by itself."""

    def watch(self) -> CommitWatch:
        """A new watcher of commits, of other processes too."""
        return self._commits.watch()

    def hook_commits(
        self,
        begin: Callable[[], Callable[[Transaction], T] | None],
        on_result: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> StoreCommitHook[T]:
        """Adds a work to the end of every commit; see `receiver.contracts.HookedStore.hook_commits`."""
        return self._commits.hook(begin, on_result, on_error)

    # --- on the threads

    def _prepare(self) -> None:
        connection = self._opened()
        refuse_unfit(connection, partial(connect, self.address))
        self.ref_key = migrate(connection)
        self._replica.register(connection)
        try:
            # Now that a move would see this process: either it stays out, or the move does.
            refuse_while_moved(connection)
        except StoreRefused:
            self._replica.leave(connection)
            raise
        self._replica.be_seen(connection)
        slot = self._replica.slot or 0
        self._ids.slot = slot
        row = connection.execute(NEWEST).fetchone()
        if row is not None and row[0] is not None:
            lead = connection.execute("SELECT ahead FROM id_leads ORDER BY number DESC LIMIT 1").fetchone()
            # Behind all there are; in the slot again from the next millisecond on.
            self._ids.start_after(first_at(made_at(row[0]) + 1) - 1, lead[0] if lead is not None else 0)

    def _leave(self) -> None:
        try:
            self._replica.leave(self._opened())
        finally:
            if self._reader is not None:
                self._reader.close()

    def _opened(self) -> psycopg.Connection[Any]:
        if self._reader is None or self._reader.closed:
            self._reader = connect(self.address)
        return self._reader

    def _reader_is_lost(self) -> bool:
        return self._reader is not None and self._reader.closed

    def _view(self, connection: psycopg.Connection[Any], work: Callable[[Transaction], T]) -> T:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            tx = PostgresTransaction(PostgresStatements(connection), self._ids, self._shared, self._replica.owner)
            return work(tx)
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")

    async def _on_reader(self, call: Callable[[psycopg.Connection[Any]], T]) -> T:
        loop = asyncio.get_running_loop()

        def called() -> T:
            try:
                return call(self._opened())
            except psycopg.OperationalError:
                if not self._reader_is_lost():
                    raise
                return call(self._opened())

        try:
            return await loop.run_in_executor(self._read_thread, called)
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as wrong:
            raise StoreUnavailable(first_line(wrong)) from None

    async def _commit_all(self, works: list[Work]) -> list[Result]:
        loop = asyncio.get_running_loop()
        self._ids.slot = self._replica.slot
        committed = await loop.run_in_executor(self._write_thread, partial(self._writer.commit, works))
        self._commits.afterwards += committed.calls
        for labels in committed.events:
            self._commits.counts.events.add(*labels)
        return committed.results

    def _end_threads(self) -> None:
        self._write_thread.shutdown(wait=True)
        self._read_thread.shutdown(wait=True)


def _nothing(_tx: Transaction) -> None:
    """A write that only waits for those before it."""
