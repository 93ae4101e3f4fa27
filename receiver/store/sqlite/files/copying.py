"""A whole copy of a database: made under a name of its own, checked, and only then given the name it is meant for."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.sqlite.files import locks
from receiver.store.sqlite.files.descriptors import hold, let_go
from receiver.store.sqlite.files.locks import DISPATCHING
from receiver.store.sqlite.migrate import APPLICATION_ID

#: Told how far a copy is: what is done, and how much of how much (pages; of 0 where that is not known).
Told = Callable[[str, int, int], None]

#: Pages of one step, 8 MB: between steps it is told how far it is.
STEP: Final = 2048
#: Unfinished copies are named so; those that nobody works on any more are taken away by the next one.
DRAFT: Final = ".gridhook-copy-{}.part"
#: What SQLite may leave beside a database.
COMPANIONS: Final = ("-wal", "-shm", "-journal")
#: The page cache of a check, KB: an index is compared with its table in the index's order.
CHECK_CACHE: Final = 128 * 1024


class CopyDraft:
    """An unfinished copy beside the place it is meant for; nobody else may read it."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self._file = file

    def publish(self, target: Path) -> None:
        """Gives it the name it is meant for, on disk; what had that name before is gone. Raises OSError."""
        os.fsync(self._file)
        os.rename(self.path, target)
        sync_folder(target.parent)


@contextmanager
def draft(folder: Path) -> Iterator[CopyDraft]:
    """An empty draft in a folder; gone at the end, unless it was published. Raises StoreUnavailable."""
    path = folder / DRAFT.format(secrets.token_hex(8))
    try:
        _sweep(folder)
        file = hold(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except OSError as wrong:
        raise StoreUnavailable(f"nothing can be written into the folder {folder}: {wrong.strerror}") from None
    try:
        locks.take(file, DISPATCHING)
        yield CopyDraft(path, file)
    finally:
        try:
            _remove(path)
        finally:
            let_go(file)


def _sweep(folder: Path) -> None:
    """Takes away the drafts of processes that were killed."""
    for path in folder.glob(DRAFT.format("*")):
        with contextlib.suppress(OSError):
            file = hold(path, os.O_RDWR)
            try:
                if locks.take(file, DISPATCHING):
                    _remove(path)
            finally:
                let_go(file)


def _remove(path: Path) -> None:
    for suffix in ("", *COMPANIONS):
        with contextlib.suppress(OSError):
            os.unlink(f"{path}{suffix}")


def copy(source: sqlite3.Connection, target: Path, told: Told) -> None:
    """Copies all that is committed in `source` into an empty file, which no `-wal` belongs to then.

    All of it is of one moment: SQLite's backup begins anew whenever another process has written, and beside a busy
    server never ends; within a read transaction it goes on, and hinders no writer. (So does VACUUM INTO, in the same
    time, but it does not tell how far it is.) Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(target, isolation_level=None)) as made:
        # Whoever finds it unfinished throws it away.
        made.execute("PRAGMA journal_mode = OFF")
        made.execute("PRAGMA synchronous = OFF")
        source.execute("BEGIN")
        try:
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(made, pages=STEP, progress=lambda _, left, total: told("copying", total - left, total))
        finally:
            source.execute("ROLLBACK")
    with closing(sqlite3.connect(target, isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode = DELETE")


def checked(path: Path, told: Told) -> int:
    """The schema version of a copy that is whole and ours. Raises StoreRefused, or sqlite3.Error if it is none."""
    told("checking", 0, 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        schema = schema_of(db)
        db.execute(f"PRAGMA cache_size = -{CHECK_CACHE}")
        (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreRefused(f"it is damaged ({' '.join(str(found).split())})")
    return schema


def schema_of(db: sqlite3.Connection) -> int:
    """The schema version of a database of ours. Raises StoreRefused if it is none, or sqlite3.Error."""
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        raise StoreRefused(
            "it holds no tables (a copy that was made by `cp` is without what stood in the -wal: use `gridhook backup`)"
        )
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreRefused("it is a database of another program")
    if db.execute("SELECT count(*) FROM meta WHERE name = 'ref_key'").fetchone()[0] != 1:
        raise StoreRefused("it lacks the key of the webhook URLs")
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk. Raises OSError."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
