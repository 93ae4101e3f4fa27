"""One kept-alive connection of the load generator: one request on its way at a time."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from bench.load.http1 import read_answer


class LoadOwner(Protocol):
    """Who is told what happens on a connection."""

    def answered(self, connection: LoadConnection, status: int) -> None:
        """A whole answer came; 0 if it is no HTTP."""
        ...

    def broken(self, connection: LoadConnection) -> None:
        """It is closed, with or without a request on its way."""
        ...


class LoadConnection(asyncio.Protocol):
    """Sends whole requests and waits for whole answers."""

    def __init__(self, owner: LoadOwner, breaks: int = 0) -> None:
        """`breaks` is how many connections before this one broke without a single answer."""
        self.breaks = breaks
        self.busy = False
        #: Number of the request on its way, and when it was due (`time.perf_counter`).
        self.number = 0
        self.since = 0.0
        self._owner = owner
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        # uvloop's transports are of a class of their own.
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, number: int, since: float) -> None:
        """Sends one request; there must be none on its way."""
        self.busy = True
        self.number = number
        self.since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Some of an answer, mostly all of it."""
        if self._data:
            data = self._data + data
        try:
            status = read_answer(data)
        except ValueError:
            status = 0
        if status is None:
            self._data = data
            return
        self._data = b""
        if self.busy:
            self.busy = False
            self.breaks = 0
            self._owner.answered(self, status)

    def connection_lost(self, _wrong: Exception | None) -> None:
        """It is closed."""
        self._owner.broken(self)

    def give_up(self) -> None:
        """Closes it at once."""
        self._transport.abort()
