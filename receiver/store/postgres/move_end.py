"""A schema of PostgreSQL as one end of a move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec
import psycopg

from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.moving.ends import MARK, NAMED, NOT_MOVED, MoveMark, Row, Shape
from receiver.store.postgres.connections import connect, first_line, named
from receiver.store.postgres.fitness import refuse_unfit
from receiver.store.postgres.migrate import migrate, migrations, version
from receiver.store.postgres.moved import MOVING
from receiver.store.postgres.transaction import IS_LIVING

#: What each PostgreSQL knows of its own processes.
OWN: Final = ("replicas",)
COLUMNS: Final = """
    SELECT tables.relname::text, columns.attname::text, columns.atttypid::oid::bigint,
        array_position(keys.conkey, columns.attnum)
    FROM pg_class AS tables
    JOIN pg_attribute AS columns ON columns.attrelid = tables.oid AND columns.attnum > 0 AND NOT columns.attisdropped
    JOIN pg_constraint AS keys ON keys.conrelid = tables.oid AND keys.contype = 'p'
    WHERE tables.relnamespace = current_schema()::regnamespace AND tables.relkind = 'r'
    ORDER BY tables.relname, columns.attnum
"""
#: Of a row, what its transaction was: each PostgreSQL counts its own.
NOT_COPIED: Final = ("tx",)
PUT_MARK: Final = "INSERT INTO meta VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
COUNTED: Final = """
    SELECT format('SELECT setval(%L, (SELECT max(%I) FROM %I)) WHERE EXISTS (SELECT 1 FROM %3$I)',
        pg_get_serial_sequence(table_name, column_name), column_name, table_name)
    FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'
"""


class ServerMoveEnd:
    """`receiver.store.moving.ends.MoveEnd` on a schema of PostgreSQL."""

    def __init__(self, name: str, connection: psycopg.Connection[Any]) -> None:
        self.name = name
        self._connection = connection
        self._types: dict[str, dict[str, int]] = {}
        self._keys: dict[str, dict[int, str]] = {}
        for table, column, kind, place in connection.execute(COLUMNS):
            if table in OWN or column in NOT_COPIED:
                continue
            self._types.setdefault(table, {})[column] = kind
            if place is not None:
                self._keys.setdefault(table, {})[place] = column

    @property
    def faults(self) -> type[Exception]:
        """What its engine raises where it cannot go on."""
        return psycopg.Error

    def shapes(self) -> Mapping[str, Shape]:
        """The tables, by name."""
        return {
            table: Shape(tuple(types), tuple(name for _, name in sorted(self._keys[table].items())))
            for table, types in self._types.items()
        }

    def ref_key(self) -> bytes:
        """The key of the refs."""
        (key,) = self._connection.execute("SELECT value FROM meta WHERE name = 'ref_key'").fetchone() or (b"",)
        return bytes(key)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        (count,) = self._connection.execute(f"SELECT count(*) FROM {_of(table)}".encode()).fetchone() or (0,)
        return int(count)

    def rows(self, table: str, shape: Shape, after: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a table behind this key, in the key's order."""
        key = ", ".join(shape.key)
        marks = ", ".join(f"${place}" for place in range(1, len(after) + 1))
        sql = f"SELECT {', '.join(shape.columns)} FROM {_of(table)} {f'AND ({key}) > ({marks})' if after else ''}"
        with self._connection.cursor(binary=True) as cursor:
            # One row after the other: a request's body may be large.
            yield from cursor.stream(f"{sql} ORDER BY {key}".encode(), tuple(after))

    def mark(self) -> MoveMark | None:
        """How far a move into it is."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = $1", (MARK,), binary=True).fetchone()
        return msgspec.json.decode(row[0], type=MoveMark) if row is not None else None

    def add(self, table: str, shape: Shape, rows: Sequence[Row], mark: MoveMark) -> None:
        """Adds rows, and keeps the mark, in one transaction."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            if rows:
                into = f"COPY {table} ({', '.join(shape.columns)}) FROM STDIN (FORMAT BINARY)"
                with cursor.copy(into.encode()) as copy:
                    copy.set_types([self._types[table][name] for name in shape.columns])
                    for row in rows:
                        copy.write_row(row)
            cursor.execute(PUT_MARK, (MARK, msgspec.json.encode(mark)))

    def clear(self, table: str, mark: MoveMark) -> None:
        """Takes a table's rows away, and keeps the mark, in one transaction."""
        with self._connection.transaction():
            self._connection.execute(f"DELETE FROM {_of(table)}".encode())
            self._connection.execute(PUT_MARK, (MARK, msgspec.json.encode(mark)))

    def finish(self) -> None:
        """The move is over: what the database counts by itself goes on behind what was copied."""
        with self._connection.transaction():
            for (statement,) in self._connection.execute(COUNTED).fetchall():
                self._connection.execute(statement.encode())
            self._connection.execute("DELETE FROM meta WHERE name = $1", (MARK,))
        # The planner's ideas are those of empty tables.
        self._connection.execute("ANALYZE")

    def close(self) -> None:
        """Closes the connection, and with it lets its lock go."""
        self._connection.close()


def open_server_end(address: str, *, make: bool) -> ServerMoveEnd:
    """A schema, brought up to date, for nobody else; with `make` one that may be empty.

    Raises StoreRefused (a server runs on it; it is no schema of ours) or StoreUnavailable.
    """
    name, newest = named(address), migrations()[-1][0]
    connection = connect(address)
    try:
        refuse_unfit(connection, partial(connect, address))
        found = version(connection)
        if found is None and not make:
            raise StoreRefused(f"there is no gridhook's database at {name}: nothing can be moved")
        if make and found not in (None, newest):
            raise StoreRefused(f"{name} has schema {found}, not {newest}: it is used, name an empty database")
        _take_alone(connection, name)
        migrate(connection)
        _refuse_living(connection, name)
        # What rows are waited for here is the other end's business.
        connection.execute("SET idle_in_transaction_session_timeout = 0")
    except BaseException as wrong:
        connection.close()
        if isinstance(wrong, psycopg.Error):
            raise StoreUnavailable(f"{name}: {first_line(wrong)}") from None
        raise
    return ServerMoveEnd(name, connection)


def _take_alone(connection: psycopg.Connection[Any], name: str) -> None:
    (is_taken,) = connection.execute(f"SELECT pg_try_advisory_lock({MOVING})").fetchone() or (False,)
    if not is_taken:
        raise StoreRefused(f"{name} is being moved already, or opened this very moment: wait until that is over")


def _refuse_living(connection: psycopg.Connection[Any], name: str) -> None:
    (count,) = connection.execute(f"SELECT count(*) FROM replicas WHERE {IS_LIVING}").fetchone() or (0,)
    if count:
        raise StoreRefused(
            f"{count} gridhook process(es) run on {name}: stop them first (one that was killed is seen to be gone "
            "after 10 seconds)"
        )


def _of(table: str) -> str:
    """Where a table's rows are, as far as they are moved; a condition may follow."""
    others = ", ".join(f"'{name}'" for name in sorted(NOT_MOVED))
    return f"{table} WHERE name NOT IN ({others})" if table in NAMED else f"{table} WHERE TRUE"
