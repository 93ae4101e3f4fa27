"""The store on one SQLite file: WAL, and `synchronous=FULL`."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar

import aiosqlite
import structlog

from receiver.contracts import Result, Transaction
from receiver.contracts.counts import ReplicaState, StoreCounts
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.lib.ids import Ids
from receiver.lib.times import Clock
from receiver.store.commit_hooks import (
    CommitWatch,
    StoreCommitHook,
    Work,
)
from receiver.store.group_commit import GroupCommit
from receiver.store.sql.choices import ChoicesCache
from receiver.store.sqlite.checkpoints import Checkpoints
from receiver.store.sqlite.files.live_file import LiveFile
from receiver.store.sqlite.functions import teach
from receiver.store.sqlite.threads import close_with_thread, on_thread, open_with_thread
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.store.sqlite.turns import WriteTurns, wait_no_more
from receiver.store.sqlite.upkeep import (
    BUSY_SECONDS,
    data_version,
    dispatcher,
    name_dispatcher,
    newest_id,
    prepare,
    vacuum,
)

T = TypeVar("T")

log = structlog.get_logger("store")

#: How often commits of other processes are looked for, seconds: while one has the file open, and while none has.
LOOK_BESIDE: Final = 0.02
LOOK_EVERY: Final = 0.2


class SqliteStore:
    """`receiver.contracts.Database` on one SQLite file.

    Three connections, each with a thread of its own (aiosqlite's): one writes, one reads, one moves what is written
    from the WAL to the file.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.ref_key = b""
        self.clock = clock
        self._ids = Ids(clock)
        #: Whose the deliveries are that this process claims: never that of one before it.
        self._owner = secrets.randbits(62)
        #: What `data_version` was when the ids of other processes were last looked at.
        self._version: int | None = None
        self._shared = ChoicesCache()
        self._commits = GroupCommit(self._commit_all)
        self._connections: list[aiosqlite.Connection] = []
        #: Open for longer than the connections.
        self._live: LiveFile | None = None
        #: What was told last of the file: why nothing is written, None if it is where it should be.
        self._told: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> SqliteStore:
        """Opens the file, makes or migrates its schema. Raises StoreRefused or StoreUnavailable."""
        try:
            self._live = live = LiveFile(self.path)
            live.tighten()
            self._writer = await self._connect()
            self.ref_key = await on_thread(self._writer, prepare)
            await on_thread(self._writer, wait_no_more)
            self._turns = WriteTurns(live)
            self._reader = await self._connect()
            mover = await self._connect()
            for connection in (self._reader, mover):
                # Only now it opens the WAL: later there might be another file at its path.
                await on_thread(connection, data_version)
            live.join()
        except (sqlite3.Error, OSError) as wrong:
            await self._let_go()
            raise StoreUnavailable(f"{self.path}: {wrong}") from None
        except BaseException:
            await self._let_go()
            raise
        self._checkpoints = Checkpoints(mover, self._writer, live)
        runs = (self._commits.run(), self._look_forever(live), self._checkpoints.run())
        self._tasks = [asyncio.create_task(run) for run in runs]
        return self

    async def close(self) -> None:
        """Finishes what waits, then closes the file."""
        if not any(task.done() for task in self._tasks):
            # Writes end in the order they came in, so those that a commit is at work on are answered too.
            with contextlib.suppress(StoreUnavailable):
                await self.write(_nothing)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._let_go()

    async def __aenter__(self) -> SqliteStore:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def own_dispatching(self) -> None:
        """Makes this process the file's only dispatcher. Raises StoreRefused if another one is, or StoreUnavailable."""
        live = self._opened()
        try:
            if not live.begin_dispatching():
                other = await on_thread(self._reader, dispatcher)
                raise StoreRefused(
                    f"another gridhook process ({other or 'unknown'}) dispatches from {self.path}: stop it first, "
                    "or start this one with --role intake"
                )
            await on_thread(self._writer, name_dispatcher)
        except sqlite3.Error as wrong:
            raise StoreUnavailable(str(wrong)) from None

    def dispatched(self) -> bool:
        """Whether this or another process dispatches from the file."""
        return self._opened().dispatched()

    def leads(self) -> bool:
        """Whether this process has the file's dispatching."""
        return self._live is not None and self._live.dispatches

    def life(self) -> int:
        """Always the same: as long as this process has the file's dispatching, no other one takes anything back."""
        return 1

    def replica(self) -> ReplicaState:
        """This process alone: others on the file are not known."""
        return ReplicaState(slot=0, reconnects=0)

    @property
    def counts(self) -> StoreCounts:
        """What was written since the start."""
        return self._commits.counts

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """The value of `work` once it is on disk; see `receiver.contracts.Store.write`."""
        return await self._commits.write(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """The value of `work` on a consistent view of what is committed."""
        try:
            return await on_thread(self._reader, lambda db: self._view(db, work))
        except sqlite3.Error as wrong:
            raise StoreUnavailable(str(wrong)) from None

    async def vacuum(self) -> None:
        """Writes the whole file anew, without free pages; no write gets through meanwhile. Raises StoreUnavailable."""
        _must_be_there(self._opened().fault())
        try:
            await on_thread(self._writer, vacuum)
        except sqlite3.Error as wrong:
            raise StoreUnavailable(str(wrong)) from None

    def watch(self) -> CommitWatch:
        """A new watcher of commits, of other processes too (those up to `LOOK_BESIDE` later)."""
        return self._commits.watch()

    def hook_commits(
        self,
        begin: Callable[[], Callable[[Transaction], T] | None],
        on_result: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> StoreCommitHook[T]:
        """Adds a work to the end of every commit; see `receiver.contracts.HookedStore.hook_commits`."""
        return self._commits.hook(begin, on_result, on_error)

    async def _connect(self) -> aiosqlite.Connection:
        connection = aiosqlite.connect(self.path, isolation_level=None, timeout=BUSY_SECONDS, cached_statements=256)
        await open_with_thread(connection)
        self._connections.append(connection)
        await on_thread(connection, teach)
        return connection

    async def _let_go(self) -> None:
        """Closes what is open."""
        if self._live is not None:
            self._live.leave()
        while self._connections:
            await close_with_thread(self._connections.pop())
        if self._live is not None:
            self._live.close()
            self._live = None

    def _opened(self) -> LiveFile:
        if self._live is None:
            raise StoreUnavailable(f"{self.path} is not open")
        return self._live

    async def _commit_all(self, works: list[Work]) -> list[Result]:
        results = await on_thread(self._writer, partial(self._commit, works))
        self._checkpoints.count(len(works))
        return results

    def _view(self, db: sqlite3.Connection, work: Callable[[Transaction], T]) -> T:
        db.execute("BEGIN")
        try:
            return work(SqliteTransaction(db, self._ids, self._shared, self._owner))
        finally:
            db.execute("ROLLBACK")

    def _commit(self, works: list[Work], db: sqlite3.Connection) -> list[Result]:
        """All works in one transaction; if one of them raises, each in a transaction of its own."""
        try:
            return [Result(value, None) for value in self._together(db, works)]
        except Exception as wrong:  # noqa: BLE001 - whatever a work raised is its caller's, and nobody else's
            error = _translated(wrong)
            if len(works) == 1 or isinstance(error, StoreUnavailable):
                return [Result(None, error) for _ in works]
        return [self._commit([work], db)[0] for work in works]

    def _together(self, db: sqlite3.Connection, works: list[Work]) -> list[Any]:
        live = self._opened()
        _must_be_there(live.last_fault)
        self._turns.begin(db, BUSY_SECONDS)
        try:
            self._go_on_behind(db)
            tx = SqliteTransaction(db, self._ids, self._shared, self._owner)
            values = [work(tx) for work in works]
            leads = tx.keep_leads()
            db.execute("COMMIT")
            del self._ids.leads[: len(leads)]
            self._commits.afterwards += tx.calls
            # Looked at after the commit: who is told that it is kept must find it at the path.
            _must_be_there(live.fault())
            for labels in tx.events_added:
                self._commits.counts.events.add(*labels)
        except BaseException:
            self._shared.forget()
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return values

    def _go_on_behind(self, db: sqlite3.Connection) -> None:
        """Has new ids come after those that other processes have committed since the last write of this one.

        Only one process writes at a time, so the order of ids is the order of commits: whoever reads the events after
        a number never finds one before it later, and no two rows get the same number.
        """
        version = data_version(db)
        if version != self._version:
            if self._version is not None:
                self._turns.met_others()
            self._version = version
            self._ids.start_after(*newest_id(db))

    async def _look_forever(self, live: LiveFile) -> None:
        told: int | None = None
        looked = -LOOK_EVERY
        while True:
            if monotonic() - looked >= LOOK_EVERY:
                looked = monotonic()
                self._look_for_file(live)
            with contextlib.suppress(sqlite3.Error):
                # The writer's: it changes by what other processes commit, not by what this one does.
                seen = await on_thread(self._writer, data_version)
                if seen not in (told, self._version):
                    told = seen
                    self._commits.others_committed()
            await asyncio.sleep(LOOK_BESIDE if live.in_use() else LOOK_EVERY)

    def _look_for_file(self, live: LiveFile) -> None:
        """Tells when the file is lost, and when it is back; saves what can be."""
        was, self._told = self._told, live.fault()
        if self._told is not None:
            aside = live.set_companions_aside()
            if was is None:
                log.error(
                    "store.lost",
                    reason=self._told,
                    told="nothing is taken in until it is back, or gridhook is started anew",
                    aside=aside,
                )
                self._checkpoints.hurry()
        elif was is not None:
            log.warning("store.found", file=str(self.path), was=was)


def _must_be_there(fault: str | None) -> None:
    """Raises StoreUnavailable if what is written would be lost."""
    if fault is not None:
        raise StoreUnavailable(fault)


def _nothing(_tx: Transaction) -> None:
    """A write that only waits for those before it."""


def _translated(error: Exception) -> Exception:
    """A fault of disk, file or lock as StoreUnavailable; a fault of the work itself stays what it is."""
    of_the_work = sqlite3.IntegrityError | sqlite3.ProgrammingError
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, of_the_work):
        return StoreUnavailable(f"{error} ({getattr(error, 'sqlite_errorname', 'unknown')})")
    return error
