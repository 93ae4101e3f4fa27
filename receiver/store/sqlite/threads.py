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


async def open_with_thread(connection: aiosqlite.Connection) -> None:
    """Opens the file, on a thread of its own; if that fails the thread has ended. Raises sqlite3.Error."""
    try:
        await connection
    except BaseException:
        connection._thread.join()
        raise


async def close_with_thread(connection: aiosqlite.Connection) -> None:
    """Closes the connection; its thread has ended then. Raises sqlite3.Error.

    aiosqlite does not wait for its threads. Here nothing is left to one but its own end, so the event loop can wait.
    """
    try:
        await connection.close()
    finally:
        connection._thread.join()
