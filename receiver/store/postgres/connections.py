"""Connections to PostgreSQL, as the store needs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg.adapt import Buffer
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import StrDumperUnknown

from receiver.errors import StoreUnavailable
from receiver.store.postgres.arrays import storable, teach_arrays
from receiver.store.postgres.dialect import translated

#: What an address says nothing of. A connection that cannot be made, or that nothing comes back on, is none after 5 s;
#: of several hosts the one that may be written to is meant.
DEFAULTS: Final[dict[str, str | int]] = {
    "application_name": "gridhook",
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "target_session_attrs": "read-write",
}
#: Settings of every session. Who is stopped in a transaction holds the others up for no longer than this.
SETTINGS: Final = (
    "SET idle_in_transaction_session_timeout = '2s'",
    "SET synchronous_commit = on",
    "SET lock_timeout = '10s'",
)
#: What of an address is told.
SHOWN: Final = ("host", "port", "dbname")


class StorableText(StrDumperUnknown):
    """Text as PostgreSQL can hold it."""

    def dump(self, obj: str) -> Buffer | None:
        """The bytes of a text."""
        return storable(obj)


class PostgresStatements:
    """`receiver.store.sql.Statements` on a connection to PostgreSQL."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        """Runs one statement, written in SQLite's SQL."""
        ours = translated(sql)
        return self._connection.execute(ours.sql, ours.values(values), binary=True)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Runs one statement for each of these rows."""
        ours = translated(sql)
        self._connection.cursor().executemany(ours.sql, [ours.values(row) for row in rows])


def connect(address: str) -> psycopg.Connection[Any]:
    """A new connection, in which every statement is a transaction of its own unless one is begun.

    Raises StoreUnavailable.
    """
    try:
        connection = psycopg.connect(
            address,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
            **completed(address),
        )
        connection.adapters.register_dumper(str, StorableText)
        teach_arrays(connection)
        for setting in SETTINGS:
            connection.execute(setting)
    except psycopg.Error as wrong:
        raise StoreUnavailable(f"{named(address)}: {first_line(wrong)}") from None
    return connection


def completed(address: str) -> dict[str, Any]:
    """The settings of a connection that an address leaves open. Raises psycopg.Error if it is none."""
    given = conninfo_to_dict(address)
    return {name: value for name, value in DEFAULTS.items() if name not in given}


def named(address: str) -> str:
    """An address without names of people and passwords."""
    try:
        parts = conninfo_to_dict(address)
    except psycopg.Error:
        return "postgresql"
    host, port, name = (parts.get(part) for part in SHOWN)
    return f"postgresql://{host or ''}{f':{port}' if port else ''}/{name or ''}"


def without_password(address: str) -> str:
    """An address as PostgreSQL's own programs take it, without what is secret in it."""
    try:
        parts = conninfo_to_dict(address)
    except psycopg.Error:
        return "postgresql:///"
    return make_conninfo("", **{name: value for name, value in parts.items() if "password" not in name})


def first_line(wrong: BaseException) -> str:
    """The first line of what an error says."""
    return (str(wrong).strip() or type(wrong).__name__).splitlines()[0]
