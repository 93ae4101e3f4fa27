"""Checkpoints: what the WAL holds goes into the database beside the commits, not in their way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import threading
from typing import Final, NamedTuple

import aiosqlite
import structlog

from receiver.store.sqlite.files.live_file import LiveFile
from receiver.store.sqlite.threads import on_thread
from receiver.store.sqlite.wal_watch import WalWatch

log = structlog.get_logger("store")

#: A checkpoint comes after so many writes, so that each is short.
WRITES: Final = 200
#: Or so long after a commit, seconds.
EVERY: Final = 0.5
#: The WAL starts anew beyond so many pages (16 MB): one that is written over and over again costs a commit less than
#: half of what a growing one does, but each new start holds the commits up for a few milliseconds.
LONG: Final = 4000
#: A new start waits until no more writes than this came while a pass ran: then hardly anything is left to hold them up.
FEW: Final = 10
#: But for no more passes than these, or it would never come under full load.
PASSES: Final = 6
#: The priority of the thread, as of `nice`. It gets on while a commit waits for the disk, and with a tenth of the
#: processor when nothing ever waits: less, and the WAL would grow under full load.
NICE: Final = 10
#: The WAL's file is cut back to this when it starts anew, bytes.
KEPT_BYTES: Final = 64 * 1024 * 1024


class WalPages(NamedTuple):
    """What a checkpoint found: how many pages the WAL holds, and how many of them are in the database now."""

    held: int
    moved: int


class Checkpoints:
    """Checkpoints of one file, on a connection and a thread of their own."""

    def __init__(self, own: aiosqlite.Connection, writer: aiosqlite.Connection, live: LiveFile) -> None:
        self._own = own
        self._writer = writer
        self._live = live
        self._wal = WalWatch(live.real)
        self._writes = 0
        self._some = asyncio.Event()
        self._many = asyncio.Event()

    def count(self, writes: int) -> None:
        """A commit of so many writes happened."""
        self._writes += writes
        self._some.set()
        if self._writes >= WRITES:
            self._many.set()

    def hurry(self) -> None:
        """Wants a checkpoint now."""
        self._some.set()
        self._many.set()

    async def run(self) -> None:
        """Checkpoints until it is cancelled. A checkpoint that fails (a full disk) is tried again."""
        await on_thread(self._own, _stand_back)
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._many.wait()
            self._writes = 0
            self._some.clear()
            self._many.clear()
            try:
                if self._live.may_be_completed():
                    await self._move()
                else:
                    self._some.set()
            except (sqlite3.Error, OSError) as wrong:
                log.warning("checkpoint.failed", reason=str(wrong))
                self._some.set()

    async def _move(self) -> None:
        """Moves all there is. What came meanwhile is moved by the writer itself if the WAL must start anew."""
        found = await on_thread(self._own, self._pass)
        for _ in range(PASSES):
            if found.held <= LONG or self._writes <= FEW:
                break
            self._writes = 0
            found = await on_thread(self._own, self._pass)
        if self._writes and found.held > LONG:
            found = await on_thread(self._writer, checkpoint)
        self._wal.look(is_held_up=found.moved < found.held)

    def _pass(self, db: sqlite3.Connection) -> WalPages:
        """A checkpoint, with all that it wrote brought to the disk.

        SQLite itself flushes the file only when a checkpoint has moved everything: all that earlier ones wrote would be
        waited for then, while commits wait too.
        """
        found = checkpoint(db)
        _flush(self._live.file)
        return found


def leave_to_checkpoints(db: sqlite3.Connection) -> None:
    """No commit on this connection stops for a checkpoint."""
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute(f"PRAGMA journal_size_limit = {KEPT_BYTES}")


def _stand_back(_db: sqlite3.Connection) -> None:
    """Lets the threads that somebody waits for have the processor before this one."""
    if sys.platform == "linux":  # elsewhere only whole processes have a priority
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _flush(file: int) -> None:
    """Waits until what was written to a file is on disk."""
    os.fsync(file) if sys.platform == "darwin" else os.fdatasync(file)


def checkpoint(db: sqlite3.Connection) -> WalPages:
    """Moves what can be moved without waiting for anybody."""
    _, held, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return WalPages(held, moved)
