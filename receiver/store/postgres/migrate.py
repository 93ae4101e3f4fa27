"""Brings a schema of PostgreSQL to this program's, one numbered SQL file after the other."""

from __future__ import annotations

import secrets
from functools import cache
from importlib import resources
from typing import Any, Final

import psycopg

from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.postgres.restored import settle_if_restored

#: Held while a schema is looked at and changed: several processes may start at once.
LOCK: Final = 0x67726964
VERSION: Final = "SELECT value FROM meta_numbers WHERE name = 'schema'"
#: What the schema's version is kept in is made by the first migration.
IS_MADE: Final = "SELECT to_regclass('meta_numbers') IS NOT NULL"


#: Every commit holds this lock: shared, if it locks the rows that it changes, or alone, if it may do anything.
WRITERS: Final = 0x77726974


@cache
def migrations() -> list[tuple[int, str]]:
    """Every migration's number and SQL, in order."""
    folder = resources.files("receiver.store.postgres") / "migrations"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [(int(item.name.split("_")[0]), item.read_text("utf-8")) for item in files]


def version(connection: psycopg.Connection[Any]) -> int | None:
    """The version of the schema; None if there is none yet."""
    (is_made,) = connection.execute(IS_MADE).fetchone() or (False,)
    row = connection.execute(VERSION).fetchone() if is_made else None
    return int(row[0]) if row is not None else None


def check_version(found: int | None) -> None:
    """Raises StoreUnavailable if a newer gridhook has changed the schema since this process started."""
    newest = migrations()[-1][0]
    if found is not None and found > newest:
        raise StoreUnavailable(
            f"a newer gridhook brought the database to schema version {found}, this one knows up to {newest}: "
            "it does nothing more, stop it"
        )


def migrate(connection: psycopg.Connection[Any]) -> bytes:
    """Applies what is missing, in one transaction; returns the key of the refs.

    Raises StoreRefused if the schema is a newer gridhook's, or psycopg.Error.
    """
    todo = migrations()
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock($1)", (LOCK,))
        current = version(connection) or 0
        if current > todo[-1][0]:
            raise StoreRefused(
                f"the database has schema version {current}, this gridhook knows up to {todo[-1][0]}: "
                "use the gridhook that wrote it, or a newer one"
            )
        if current < todo[-1][0]:
            # What an older process writes at this moment is finished first; what it begins later it takes back.
            connection.execute("SELECT pg_advisory_xact_lock($1)", (WRITERS,))
        for number, sql in todo:
            if number > current:
                connection.execute(sql.encode())
                connection.execute(
                    "INSERT INTO meta_numbers VALUES ('schema', $1) "
                    "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    (number,),
                )
        settle_if_restored(connection)
        connection.execute("INSERT INTO meta VALUES ('ref_key', $1) ON CONFLICT DO NOTHING", (secrets.token_bytes(32),))
        (key,) = connection.execute("SELECT value FROM meta WHERE name = 'ref_key'").fetchone() or (b"",)
    return bytes(key)
