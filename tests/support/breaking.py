"""A server on loopback that breaks off where it is told to."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, NamedTuple, cast

from bench.load.http1 import read_request

#: Closes with a reset instead of in good order.
NO_LINGER: Final = struct.pack("ii", 1, 0)

What = Literal["keep", "close", "reset", "stall"]


class Reply(NamedTuple):
    """What is said to a request, and what becomes of the connection then."""

    said: bytes
    #: "stall": nothing more is said, and nothing closed.
    then: What = "keep"


#: Says what is replied to a request: its headers and its body.
Replying = Callable[[dict[str, str], bytes], Reply]


class BreakingServer:
    """What came to it; its address is `{scheme}://localhost:{port}`."""

    def __init__(self, replying: Replying) -> None:
        self.replying = replying
        self.port = 0
        #: Whole requests.
        self.taken = 0
        self.connections = 0
        #: What is open at present.
        self.open: set[_BreakingConnection] = set()
        self.changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until this holds."""
        while not holds():
            self.changed.clear()
            async with asyncio.timeout(30):
                await self.changed.wait()

    def connection(self) -> asyncio.Protocol:
        """A protocol for one connection."""
        return _BreakingConnection(self)


class _BreakingConnection(asyncio.Protocol):
    def __init__(self, server: BreakingServer) -> None:
        self._server = server
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._server.connections += 1
        self._server.open.add(self)
        self._server.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.discard(self)
        self._server.changed.set()

    def data_received(self, data: bytes) -> None:
        self._data += data
        request = read_request(self._data)
        if request is None:
            return
        self._data = b""
        self._server.taken += 1
        reply = self._server.replying(*request)
        self._server.changed.set()
        if reply.said:
            self.transport.write(reply.said)
        if reply.then == "close":
            self.transport.close()
        elif reply.then == "reset":
            reset(self.transport)


def reset(transport: asyncio.Transport) -> None:
    """Ends a connection with a reset."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


@asynccontextmanager
async def breaking(replying: Replying, tls: ssl.SSLContext | None = None) -> AsyncIterator[BreakingServer]:
    """A running one, plain or with TLS."""
    server = BreakingServer(replying)
    given: dict[str, Any] = {"ssl": tls, "ssl_shutdown_timeout": 1.0} if tls is not None else {}
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(server.connection, "127.0.0.1", 0, **given)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for one in list(server.open):
            one.transport.abort()
        await server.until(lambda: not server.open)
        await listening.wait_closed()
