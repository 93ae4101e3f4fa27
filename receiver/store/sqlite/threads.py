"""A connection's own thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiosqlite

T = TypeVar("T")


async def on_thread(connection: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Runs `work` on the connection's own thread: one hop for a whole batch of statements.

    aiosqlite has no public call for this; every public one of its calls is this one with a single statement.
    """
    run: Callable[..., Awaitable[T]] = connection._execute
    return await run(work, connection._conn)
