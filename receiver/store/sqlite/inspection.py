"""Looks at a SQLite file without changing it: is it ours, which schema has it, does anybody dispatch from it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from receiver.contracts import Inspection
from receiver.errors import StoreUnavailable
from receiver.store.sqlite.files.live_file import LiveFile, is_dispatched
from receiver.store.sqlite.migrate import migrations, version


def inspect(path: Path) -> Inspection:
    """What is known of the file, which is made sure to be writable. Raises StoreRefused or StoreUnavailable."""
    try:
        found = _version(path)
    except OSError as wrong:
        raise StoreUnavailable(f"{path} cannot be looked at: {wrong.strerror}") from None
    return Inspection(path=str(path), version=found, newest=migrations()[-1][0], dispatched=is_dispatched(path))


def _version(path: Path) -> int | None:
    folder = path.parent
    if not folder.is_dir():
        raise StoreUnavailable(f"the folder {folder} of the database is not there: make it, or name another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreUnavailable(f"the folder {folder} of the database is not writable for this user")
    if not path.exists():
        return None
    live = LiveFile(path, make=False)
    try:
        return _read(path) if path.stat().st_size else 0
    finally:
        live.close()


def _read(path: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True)) as db:
            (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return version(db) if tables else 0
    except sqlite3.Error as wrong:
        raise StoreUnavailable(f"{path}: {wrong}") from None
