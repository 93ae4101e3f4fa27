"""A backup of a database, beside whoever writes to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from receiver.contracts import Backup
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.sqlite.files.copying import (
    COMPANIONS,
    Told,
    checked,
    copy,
    draft,
    schema_of,
)
from receiver.store.sqlite.files.live_file import LiveFile


def back_up(database: Path, target: Path, told: Told) -> Backup:
    """Writes a whole, checked copy of a database, or nothing. `told` hears how far it is.

    Raises StoreRefused or StoreUnavailable.
    """
    live = None
    try:
        _refuse_target(database, target)
        if not database.exists():
            raise StoreRefused(f"there is no database at {database} yet: nothing to back up")
        live = LiveFile(database, make=False)
        with draft(target.parent) as made:
            schema = _copied(live, made.path, told)
            size = made.path.stat().st_size
            _refuse_target(database, target)
            made.publish(target)
    except sqlite3.Error as wrong:
        raise StoreUnavailable(f"{target} is not written: {wrong}") from None
    except OSError as wrong:
        at = f" ({wrong.filename})" if wrong.filename else ""
        raise StoreUnavailable(f"{target} is not written: {wrong.strerror}{at}") from None
    finally:
        if live is not None:
            live.close()
    return Backup(file=str(target), bytes=size, schema=schema)


def _copied(live: LiveFile, to: Path, told: Told) -> int:
    with closing(sqlite3.connect(live.path, isolation_level=None)) as source:
        try:
            schema_of(source)
            source.execute("PRAGMA journal_mode = WAL").fetchone()
            live.join()
        except StoreRefused as wrong:
            raise StoreRefused(f"{live.path}: {wrong}") from None
        try:
            copy(source, to, told)
            fault = live.fault()
            if fault is not None:
                raise StoreUnavailable(fault)
        finally:
            live.leave()
    try:
        return checked(to, told)
    except StoreRefused as wrong:
        raise StoreRefused(f"{live.path} cannot be backed up: {wrong}") from None


def _refuse_target(database: Path, target: Path) -> None:
    if target.is_dir():
        raise StoreRefused(f"{target} is a folder: name a file in it")
    if os.path.lexists(target):
        raise StoreRefused(f"{target} is there already and stays as it is: name another file")
    if not target.parent.is_dir():
        raise StoreRefused(f"the folder {target.parent} is not there: make it, or name another")
    real = os.path.realpath(database)
    if os.path.realpath(target) in [real, *(real + suffix for suffix in COMPANIONS)]:
        raise StoreRefused(f"{target} belongs to the database itself: name another file")
