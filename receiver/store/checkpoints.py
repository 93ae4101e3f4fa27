"""Checkpoints: what the WAL holds goes into the database beside the commits, not in their way."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import Final

import aiosqlite
import structlog

from receiver.store.threads import on_thread

log = structlog.get_logger("store")

#: A checkpoint comes after so many writes, so that each is short.
WRITES: Final = 400
#: Or so long after a commit, seconds.
EVERY: Final = 0.5
#: The WAL starts anew beyond so many pages (16 MB): one that is written over and over again costs a commit less than
#: half of what a growing one does, but each new start holds the commits up for some milliseconds.
LONG: Final = 4000
#: The WAL's file is cut back to this when it starts anew, bytes.
KEPT_BYTES: Final = 64 * 1024 * 1024


class Checkpoints:
    """Checkpoints of one file, on a connection and a thread of their own."""

    def __init__(self, own: aiosqlite.Connection, writer: aiosqlite.Connection) -> None:
        self._own = own
        self._writer = writer
        self._writes = 0
        self._some = asyncio.Event()
        self._many = asyncio.Event()

    def count(self, writes: int) -> None:
        """A commit of so many writes happened."""
        self._writes += writes
        self._some.set()
        if self._writes >= WRITES:
            self._many.set()

    async def run(self) -> None:
        """Checkpoints until it is cancelled. A checkpoint that fails (a full disk) is tried again."""
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._many.wait()
            self._writes = 0
            self._some.clear()
            self._many.clear()
            try:
                await self._move()
            except sqlite3.Error as wrong:
                log.warning("checkpoint.failed", reason=str(wrong))
                self._some.set()

    async def _move(self) -> None:
        """Moves all there is. What came meanwhile is moved by the writer itself if the WAL must start anew."""
        pages = await on_thread(self._own, checkpoint)
        if self._writes and pages > LONG:
            await on_thread(self._writer, checkpoint)


def leave_to_checkpoints(db: sqlite3.Connection) -> None:
    """No commit on this connection stops for a checkpoint."""
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute(f"PRAGMA journal_size_limit = {KEPT_BYTES}")


def checkpoint(db: sqlite3.Connection) -> int:
    """Moves what can be moved without waiting for anybody; gives how many pages the WAL holds."""
    return int(db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
