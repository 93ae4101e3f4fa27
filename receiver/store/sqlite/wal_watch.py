"""Tells when the `-wal` grows beyond a size, with the likely cause, and when it is short again."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger("store")

#: Beyond this it is told, and again each time that it has doubled, bytes: the disk may fill up.
LONG_BYTES: Final = 256 * 1024 * 1024
#: Who reads by the WAL has a shared lock on one of these bytes of the shared memory (`WAL_READ_LOCK` of SQLite).
READ_LOCKS: Final = range(123, 128)
_LOCK: Final = re.compile(r"POSIX\s+\S+\s+READ\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s+(\d+)\s")
READER: Final = (
    "a reader stands open: another program that reads the database, a backup, or a command that is stopped; "
    "the -wal cannot start anew before it ends"
)
BUSY: Final = "more comes in than the disk takes"


def wal_bytes(database: str) -> int:
    """How large the `-wal` of a database is; 0 if it has none."""
    try:
        return os.stat(f"{database}-wal").st_size
    except OSError:
        return 0


def readers(database: str) -> list[int]:
    """The other processes that read the database right now, as far as the system tells (Linux)."""
    try:
        memory = os.stat(f"{database}-shm").st_ino
        held = Path("/proc/locks").read_text("ascii")
    except (OSError, ValueError):
        return []
    found = {int(pid) for pid, inode, start in _LOCK.findall(held) if int(inode) == memory and int(start) in READ_LOCKS}
    return sorted(found - {os.getpid(), 0})


class WalWatch:
    """Looks at the size of one database's `-wal` after each checkpoint."""

    def __init__(self, database: str) -> None:
        self._database = database
        #: What was told last, bytes; 0 = it is short.
        self._told = 0

    def look(self, *, is_held_up: bool) -> None:
        """Tells if it is long; `is_held_up`: the checkpoint could not move everything, for somebody reads it still."""
        size = wal_bytes(self._database)
        if size > max(LONG_BYTES, 2 * self._told - 1):
            self._told = size
            processes = readers(self._database)
            cause = READER if is_held_up or processes else BUSY
            log.warning("store.wal_long", bytes=size, cause=cause, processes=processes)
        elif self._told and size <= LONG_BYTES:
            self._told = 0
            log.info("store.wal_short", bytes=size)
