"""Whether what answers at an address can carry the store: its version, its encoding, and that it keeps sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog

from receiver.errors import StoreRefused

log = structlog.get_logger("store")

OLDEST: Final = 15
#: What a pooler in front of the server means.
POOLER: Final = (
    "gridhook listens, and keeps settings, in sessions of its own: give it the server's own address, or a pooler in "
    "session mode"
)


def refuse_unfit(connection: psycopg.Connection[Any], another: Callable[[], psycopg.Connection[Any]]) -> None:
    """Raises StoreRefused for a server that the store cannot run on; warns of a pooler that may be in session mode.

    `another` makes a second connection to the same address.
    """
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise StoreRefused(f"it is PostgreSQL {version}: gridhook needs {OLDEST} or newer")
    (encoding,) = connection.execute("SHOW server_encoding").fetchone() or ("",)
    if encoding != "UTF8":
        raise StoreRefused(f"its encoding is {encoding}: make the database with ENCODING 'UTF8'")
    # A pooler tells its client of a process that is none of the server's.
    if backend(connection) == connection.info.backend_pid:
        return
    with another() as second:
        if shares_backend(connection, second):
            raise StoreRefused(f"a pooler in transaction mode stands before it: {POOLER}")
    log.warning("store.pooler", told=POOLER)


def shares_backend(first: psycopg.Connection[Any], second: psycopg.Connection[Any]) -> bool:
    """Whether two connections, both idle, are answered by one process: then neither has a session of its own."""
    return backend(first) == backend(second)


def backend(connection: psycopg.Connection[Any]) -> int:
    """The number of the server's process that answers."""
    (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    return int(pid)
