"""Keeps processes off a database that is being moved, or that only a part was moved into."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from receiver.errors import StoreRefused
from receiver.store.moving.ends import MARK, half_moved

#: The key of the lock that a move holds on both of its ends as long as it runs: one a schema.
MOVING: Final = "x'6d6f7665'::int, hashtext(current_schema()::text)"


def refuse_while_moved(connection: psycopg.Connection[Any]) -> None:
    """Raises StoreRefused if it is not to be used now, or psycopg.Error."""
    with connection.transaction():
        (is_free,) = connection.execute(f"SELECT pg_try_advisory_xact_lock_shared({MOVING})").fetchone() or (False,)
        row = connection.execute("SELECT value FROM meta WHERE name = $1", (MARK,), binary=True).fetchone()
    if not is_free:
        raise StoreRefused("it is being moved to or from another database: wait until that is over")
    if row is not None:
        raise StoreRefused(half_moved(row[0]))
