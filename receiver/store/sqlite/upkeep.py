"""What is done to a database file beside the works: readied, named, looked at, written anew."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from typing import Final

from receiver.errors import StoreRefused
from receiver.store.moving.ends import MARK, half_moved
from receiver.store.sqlite.checkpoints import leave_to_checkpoints
from receiver.store.sqlite.migrate import migrate
from receiver.store.sqlite.turns import wait_no_more

BUSY_SECONDS: Final = 5.0
#: The tables whose rows have ids.
NUMBERED: Final = ("requests", "jobs", "events", "deliveries")


def prepare(db: sqlite3.Connection, *, moving: bool = False) -> bytes:
    """Readies the file; returns the key of the refs. Raises StoreRefused.

    Only with `moving` it may be one that is being moved into.
    """
    # Only before the first table: then free pages can be given back bit by bit (receiver/workers/retention/jobs.py).
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    leave_to_checkpoints(db)
    migrate(db)
    mark = db.execute("SELECT value FROM meta WHERE name = ?", (MARK,)).fetchone()
    if mark is not None and not moving:
        raise StoreRefused(half_moved(mark[0]))
    db.execute("INSERT OR IGNORE INTO meta VALUES ('ref_key', ?)", (secrets.token_bytes(32),))
    (key,) = db.execute("SELECT value FROM meta WHERE name = 'ref_key'").fetchone()
    return bytes(key)


def newest_id(db: sqlite3.Connection) -> tuple[int, int]:
    """The newest id in the file, and by how many ms it ran ahead of the clock."""
    newest = max(db.execute(f"SELECT coalesce(max(number), 0) FROM {table}").fetchone()[0] for table in NUMBERED)
    lead = db.execute("SELECT ahead FROM id_leads ORDER BY number DESC LIMIT 1").fetchone()
    return int(newest), lead[0] if lead is not None else 0


def vacuum(db: sqlite3.Connection) -> None:
    """Writes the whole file anew, without free pages."""
    with _patient(db):
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("VACUUM")


@contextlib.contextmanager
def _patient(db: sqlite3.Connection) -> Iterator[None]:
    """Statements of the writer that are no transaction of works wait for other processes in SQLite's own way."""
    wait_no_more(db, BUSY_SECONDS)
    try:
        yield
    finally:
        wait_no_more(db)


def dispatcher(db: sqlite3.Connection) -> str | None:
    """Who dispatches, if anybody does: the last process that began to."""
    row = db.execute("SELECT value FROM meta WHERE name = 'dispatcher'").fetchone()
    return str(row[0]) if row else None


def name_dispatcher(db: sqlite3.Connection) -> None:
    """Writes down that this process dispatches."""
    with _patient(db):
        db.execute("INSERT OR REPLACE INTO meta VALUES ('dispatcher', ?)", (f"pid {os.getpid()}",))


def data_version(db: sqlite3.Connection) -> int:
    """A number that changes when another connection commits."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])
