"""Connections that are kept for the next call."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Final

from handlers.http.connection import ClientConnection

#: How long a connection without a call is kept, seconds: less than the 5 s after which many servers close theirs.
MAX_IDLE_S: Final = 4.0
#: How old a connection may become, seconds: then its host's name is looked up anew.
MAX_AGE_S: Final = 120.0
#: How many are kept in all.
MAX_KEPT: Final = 256


class ConnectionPool:
    """Kept connections by where they lead. Whatever is done takes the same time, however many there are."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        #: By where they lead: since when each is idle, by the event loop's clock, the newest last.
        self._idle: dict[Hashable, dict[ClientConnection, float]] = {}
        self._count = 0
        self._sweeper: asyncio.TimerHandle | None = None

    def take(self, key: Hashable) -> ClientConnection | None:
        """The connection that was put here last; None if there is none that may be used."""
        idle = self._idle.get(key)
        while idle:
            connection, since = idle.popitem()
            self._count -= 1
            if connection.is_open and self._loop.time() - since < MAX_IDLE_S:
                return connection
            connection.close()
        return None

    def put(self, key: Hashable, connection: ClientConnection) -> None:
        """Keeps a connection for the next call, or closes it."""
        now = self._loop.time()
        if self._count >= MAX_KEPT or not connection.reusable or now - connection.opened_at > MAX_AGE_S:
            connection.close()
            return
        idle = self._idle.setdefault(key, {})
        idle[connection] = now
        self._count += 1
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(MAX_IDLE_S, self._sweep)

    def _sweep(self) -> None:
        """Closes what was idle for too long."""
        self._sweeper = None
        now = self._loop.time()
        for key, idle in list(self._idle.items()):
            for connection, since in list(idle.items()):
                if connection.is_open and now - since < MAX_IDLE_S:
                    break
                del idle[connection]
                self._count -= 1
                connection.close()
            if not idle:
                del self._idle[key]
        if self._count:
            self._sweeper = self._loop.call_later(MAX_IDLE_S, self._sweep)

    def close(self) -> None:
        """Closes all of them."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle = {}
        self._count = 0
