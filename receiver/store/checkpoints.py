"""Checkpoints: what the WAL holds goes into the database beside the commits, not in their way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Final

import aiosqlite
import structlog

from receiver.store.threads import on_thread

log = structlog.get_logger("store")

#: Between checkpoints while there is something to move, seconds.
EVERY: Final = 0.5
#: Pages (of 4 KiB) in the WAL from which the writer itself moves the rest, so that the WAL can start anew.
TOO_LONG: Final = 16_000
#: The WAL's file is cut back to this when it starts anew, bytes.
KEPT_BYTES: Final = 64 * 1024 * 1024


class Checkpoints:
    """Checkpoints of one file, on a connection and a thread of their own."""

    def __init__(self, own: aiosqlite.Connection, writer: aiosqlite.Connection, commits: Callable[[], int]) -> None:
        """`commits` counts what was committed: an idle file is left alone."""
        self._own = own
        self._writer = writer
        self._commits = commits

    async def run(self) -> None:
        """Checkpoints until it is cancelled. A checkpoint that fails (a full disk) is tried again."""
        moved = 0
        while True:
            await asyncio.sleep(EVERY)
            commits = self._commits()
            if commits == moved:
                continue
            try:
                pages = await on_thread(self._own, checkpoint)
                if pages > TOO_LONG:
                    await on_thread(self._writer, checkpoint)
                moved = commits
            except sqlite3.Error as wrong:
                log.warning("checkpoint.failed", reason=str(wrong))


def leave_to_checkpoints(db: sqlite3.Connection) -> None:
    """No commit on this connection stops for a checkpoint."""
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute(f"PRAGMA journal_size_limit = {KEPT_BYTES}")


def checkpoint(db: sqlite3.Connection) -> int:
    """Moves what can be moved without waiting for anybody; gives how many pages the WAL has."""
    _, pages, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)
