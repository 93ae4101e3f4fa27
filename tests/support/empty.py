"""Empty databases, copied: to go through all migrations takes longer than most tests. That they lead to this is tested
with the store."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from functools import cache
from pathlib import Path

from receiver.store.sqlite.functions import teach, teach_sums
from receiver.store.sqlite.migrate import migrate


@cache
def _migrated() -> bytes:
    """A file of this program's schema with nothing in it, as its first opening finds it after the migrations."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        migrate(db)
        return db.serialize()


def empty_file(path: Path) -> None:
    """Makes an empty database at the path, unless something is there or its folder is not."""
    with contextlib.suppress(FileExistsError, FileNotFoundError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(_migrated())


def empty_in_memory() -> sqlite3.Connection:
    """A connection to an empty database in memory."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.deserialize(_migrated())
    teach(db)
    teach_sums(db)
    return db
