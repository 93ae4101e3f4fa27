"""Puts a backup in the place of a database, of which nothing is thrown away."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from receiver.contracts import Restored
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.lib.ids import Ids
from receiver.lib.times import Clock
from receiver.store.sqlite.files.copying import (
    COMPANIONS,
    CopyDraft,
    Told,
    checked,
    copy,
    draft,
    schema_of,
    sync_folder,
)
from receiver.store.sqlite.files.live_file import LiveFile
from receiver.store.sqlite.migrate import migrate, migrations
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.store.tables.doubted import doubt_orders

#: How long another program may have the database open, seconds.
BUSY_SECONDS: Final = 1.0
#: What belongs to the content of a database, beside the file itself.
CONTENT: Final = ("-wal", "-journal")
#: Errors that speak of the backup, not of the place it goes to.
NOT_SOUND: Final = (None, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN)


def restore(database: Path, backup: Path, clock: Clock, told: Told) -> Restored:
    """Puts a backup in the database's place, whole or not at all. `told` hears how far it is.

    Raises StoreRefused (a server runs; it is no sound backup) or StoreUnavailable.
    """
    real = Path(os.path.realpath(database))
    live = None
    try:
        _refuse_backup(database, backup)
        live = LiveFile(database, make=False) if database.exists() else None
        if live is not None and not live.take_alone():
            raise StoreRefused(f"{database} is in use: stop `gridhook serve`, and whatever else has it open, first")
        with draft(real.parent) as made:
            schema, unsure = _made(made, backup, clock, told)
            told("putting in place", 0, 0)
            _give_away(made, real)
            kept = _set_aside(real, clock())
            made.publish(real)
    except sqlite3.Error as wrong:
        raise StoreUnavailable(f"{database} stays as it is: {wrong}") from None
    except OSError as wrong:
        raise StoreUnavailable(f"{wrong.filename or real}: {wrong.strerror}") from None
    finally:
        if live is not None:
            live.close()
    return Restored(database=str(database), kept=kept, schema=schema, unsure=unsure)


def _refuse_backup(database: Path, backup: Path) -> None:
    if not backup.exists():
        raise StoreRefused(f"there is no file {backup}")
    if not backup.is_file():
        raise StoreRefused(f"{backup} is not a file")
    if not os.access(backup, os.R_OK):
        raise StoreRefused(f"{backup} cannot be read by this user")
    if database.exists() and os.path.samefile(backup, database):
        raise StoreRefused(f"{backup} is the database itself")
    if not database.parent.is_dir():
        raise StoreRefused(f"the folder {database.parent} of the database is not there: make it, or name another")


def _made(made: CopyDraft, backup: Path, clock: Clock, told: Told) -> tuple[int, int]:
    """Fills the draft with the backup and brings it up to date; its schema before, and how many orders are unsure."""
    try:
        with closing(sqlite3.connect(_address(backup), uri=True, isolation_level=None)) as source:
            schema = schema_of(source)
            if schema > migrations()[-1][0]:
                raise StoreRefused(f"it has schema {schema}, this gridhook knows up to {migrations()[-1][0]}")
            copy(source, made.path, told)
        checked(made.path, told)
    except StoreRefused as wrong:
        raise StoreRefused(f"{backup} cannot be restored: {wrong}") from None
    except sqlite3.DatabaseError as wrong:
        if _code(wrong) in NOT_SOUND:
            raise StoreRefused(f"{backup} cannot be restored: it is no sound database ({wrong})") from None
        raise
    with closing(sqlite3.connect(made.path, isolation_level=None)) as db:
        migrate(db)
        unsure = _doubt_orders(db, clock)
    return schema, unsure


def _address(backup: Path) -> str:
    """The backup, to be read only. Where nothing belongs to it, nothing is written beside it (a read-only medium)."""
    whole = not any(os.path.exists(f"{backup}{suffix}") for suffix in COMPANIONS)
    return f"file:{quote(os.path.abspath(backup))}?mode=ro{'&immutable=1' if whole else ''}"


def _doubt_orders(db: sqlite3.Connection, clock: Clock) -> int:
    db.execute("BEGIN IMMEDIATE")
    doubted = doubt_orders(db, SqliteTransaction(db, Ids(clock)))
    db.execute("COMMIT")
    return doubted


def _set_aside(real: Path, now: int) -> str | None:
    """Keeps what is there under another name, and leaves nothing that SQLite would read into the new file.

    At each moment either the database or what is kept of it is whole. Returns the name of the kept file.
    """
    old = [suffix for suffix in ("", *CONTENT) if os.path.lexists(f"{real}{suffix}")]
    kept = f"{real}.before-restore-{_moment(now)}"
    if "" in old:
        _fold(real)
    for suffix in old:
        with suppress(FileNotFoundError):  # it is folded in
            _also(f"{real}{suffix}", f"{kept}{suffix}")
    sync_folder(real.parent)
    for suffix in COMPANIONS:
        with suppress(FileNotFoundError):
            os.unlink(f"{real}{suffix}")
    return f"{kept}{old[0]}" if old else None


def _fold(real: Path) -> None:
    """Moves what stands in the `-wal` into the file. One that is damaged is left as it is, its `-wal` beside it.

    Raises StoreRefused where another program has it open.
    """
    try:
        with closing(sqlite3.connect(real, isolation_level=None, timeout=BUSY_SECONDS)) as db:
            db.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.DatabaseError as wrong:
        if _code(wrong) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreRefused(f"{real} is open in another program: close it first") from None


def _also(path: str, name: str) -> None:
    """Gives a file a second name; where the file system knows no such thing, another one. Raises OSError."""
    try:
        os.link(path, name)
    except FileNotFoundError:
        raise
    except OSError:
        os.rename(path, name)


def _give_away(made: CopyDraft, real: Path) -> None:
    """Has the new file belong to the old one's owner, else to the folder's: root may restore what another user runs."""
    if os.geteuid() == 0:
        found = os.stat(real if real.exists() else real.parent)
        os.chown(made.path, found.st_uid, found.st_gid)


def _code(wrong: sqlite3.DatabaseError) -> int | None:
    """SQLite's primary error code."""
    code = getattr(wrong, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _moment(now: int) -> str:
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 1000)) + f".{now % 1000:03d}Z"
