"""A SQLite file as one end of a move."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.moving.ends import MARK, NAMED, NOT_MOVED, MoveMark, Row, Shape
from receiver.store.sqlite.files.live_file import LiveFile
from receiver.store.sqlite.inspection import inspect
from receiver.store.sqlite.upkeep import BUSY_SECONDS, prepare

COLUMNS: Final = """
    SELECT tables.name, columns.name, columns.type, columns.pk
    FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY tables.name, columns.cid
"""
#: Of what is known by name, what is bytes and what is a number.
KINDS: Final = {"meta": "blob", "meta_numbers": "integer"}
OTHERS: Final = ", ".join(repr(name) for name in sorted(NOT_MOVED))


class FileMoveEnd:
    """`receiver.store.moving.ends.MoveEnd` on a SQLite file."""

    def __init__(self, live: LiveFile, db: sqlite3.Connection) -> None:
        self.name = live.real
        self._live = live
        self._db = db
        self._types: dict[str, dict[str, str]] = {}
        self._keys: dict[str, dict[int, str]] = {}
        for table, column, kind, place in db.execute(COLUMNS):
            self._types.setdefault(table, {})[column] = kind
            if place:
                self._keys.setdefault(table, {})[place] = column

    @property
    def faults(self) -> type[Exception]:
        """What its engine raises where it cannot go on."""
        return sqlite3.Error

    def shapes(self) -> Mapping[str, Shape]:
        """The tables, by name."""
        shapes = {
            table: Shape(tuple(types), tuple(name for _, name in sorted(self._keys[table].items())))
            for table, types in self._types.items()
        }
        return {**shapes, **dict.fromkeys(NAMED, shapes["meta"])}

    def ref_key(self) -> bytes:
        """The key of the refs."""
        (key,) = self._db.execute("SELECT value FROM meta WHERE name = 'ref_key'").fetchone()
        return bytes(key)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        (count,) = self._db.execute(f"SELECT count(*) FROM {_of(table)}").fetchone()
        return int(count)

    def rows(self, table: str, shape: Shape, after: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a table behind this key, in the key's order."""
        key = ", ".join(shape.key)
        behind = f"AND ({key}) > ({', '.join('?' * len(after))})" if after else ""
        types = self._types.get(table, self._types["meta"])
        blobs = [types[name] == "BLOB" and table != "meta_numbers" for name in shape.columns]
        sql = f"SELECT {', '.join(shape.columns)} FROM {_of(table)} {behind} ORDER BY {key}"
        with closing(self._db.execute(sql, tuple(after))) as found:
            for row in found:
                # SQLite keeps a text as it was given, in a column of bytes too.
                yield tuple(
                    value.encode() if is_blob and isinstance(value, str) else value
                    for value, is_blob in zip(row, blobs, strict=True)
                )

    def mark(self) -> MoveMark | None:
        """How far a move into it is."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (MARK,)).fetchone()
        return msgspec.json.decode(row[0], type=MoveMark) if row is not None else None

    def add(self, table: str, shape: Shape, rows: Sequence[Row], mark: MoveMark) -> None:
        """Adds rows, and keeps the mark, in one transaction."""
        own = "meta" if table in NAMED else table
        into = f"INSERT INTO {own} ({', '.join(shape.columns)}) VALUES ({', '.join('?' * len(shape.columns))})"
        self._write([(into, rows)], mark)

    def clear(self, table: str, mark: MoveMark) -> None:
        """Takes a table's rows away, and keeps the mark, in one transaction."""
        self._write([(f"DELETE FROM {_of(table)}", [()])], mark)

    def finish(self) -> None:
        """The move is over."""
        self._db.execute("DELETE FROM meta WHERE name = ?", (MARK,))

    def close(self) -> None:
        """Closes the file, and lets its locks go."""
        self._db.close()
        self._live.close()

    def _write(self, statements: Sequence[tuple[str, Sequence[Row]]], mark: MoveMark) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for sql, rows in statements:
                self._db.executemany(sql, rows)
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (MARK, msgspec.json.encode(mark)))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def open_file_end(path: Path, *, make: bool) -> FileMoveEnd:
    """A file, with today's schema, for nobody else; with `make` one that need not be there.

    Raises StoreRefused (a server runs on it; it is another program's) or StoreUnavailable.
    """
    found = inspect(path)
    if not make and not found.version:
        raise StoreRefused(f"there is no database at {path}: nothing can be moved")
    if make and found.version not in (None, 0, found.newest):
        raise StoreRefused(f"{path} has schema {found.version}, not {found.newest}: it is used, name an empty database")
    live = LiveFile(path, make=make)
    db: sqlite3.Connection | None = None
    try:
        if not live.take_alone():
            raise StoreRefused(f"{path} is in use: stop `gridhook serve`, and whatever else has it open, first")
        live.tighten()
        db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
        prepare(db, moving=True)
        return FileMoveEnd(live, db)
    except BaseException as wrong:
        if db is not None:
            db.close()
        live.close()
        if isinstance(wrong, sqlite3.Error):
            raise StoreUnavailable(f"{path}: {wrong}") from None
        raise


def _of(table: str) -> str:
    """Where a table's rows are, as far as they are moved; a condition may follow."""
    kind = KINDS.get(table)
    return f"{table} WHERE TRUE" if kind is None else f"meta WHERE typeof(value) = '{kind}' AND name NOT IN ({OTHERS})"
