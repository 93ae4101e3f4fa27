"""A real server on a free port of 127.0.0.1, for as long as a block runs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.pretend.faults import CUT

#: Linger on, zero seconds: closing sends a reset instead of a tidy end.
NO_LINGER: Final = struct.pack("ii", 1, 0)

#: Seconds until requests that go on without their connection are canceled.
LAST_RESORT: Final = 5


class _Server(uvicorn.Server):
    """uvicorn without signal handlers, that says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the program around it."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and says so. uvicorn would end the program if the application does not start."""
        try:
            await super().startup(sockets)
        except SystemExit:
            self.should_exit = True
        self.up.set()

    async def main_loop(self) -> None:
        """Waits for the end, where uvicorn looks ten times a second whether it has come."""
        await self.on_tick(0)
        await self.ending.wait()

    def cut(self, client: object) -> None:
        """Cuts the connection of one client at once."""
        for connection in list(self.server_state.connections):
            if client is None or getattr(connection, "client", None) == client:
                _reset(connection.transport)


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, *, port: int = 0, grace: float = 0.5) -> AsyncIterator[str]:
    """Serves an ASGI application, lifespan included; yields its base URL, `http://127.0.0.1:PORT`.

    Port 0 is any free one. At the end no new request is taken; those in progress have `grace` seconds, then their
    connections are cut. Raises RuntimeError if the application does not start, OSError if the port is not free.
    """
    listener = _bound(port)
    port = listener.getsockname()[1]
    server: _Server

    async def with_cut(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "extensions": {**scope.get("extensions", {}), CUT: _cutter(server, scope.get("client"))}}
        await app(scope, receive, send)

    config = uvicorn.Config(
        with_cut,
        http="httptools",
        log_level="warning",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        date_header=False,  # it would be that of the start: nothing ticks here
        timeout_graceful_shutdown=LAST_RESORT,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="loopback server")
    serving.add_done_callback(lambda _: server.up.set())
    try:
        await server.up.wait()
        if not server.started:
            raise RuntimeError("the application did not start; the log says why")
        yield f"http://127.0.0.1:{port}"
    finally:
        await _stop(server, serving, grace)
        listener.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        if port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


async def _stop(server: _Server, serving: asyncio.Task[None], grace: float) -> None:
    server.should_exit = True
    server.ending.set()
    await asyncio.wait({serving}, timeout=grace)
    while not serving.done():
        server.cut(None)
        await asyncio.wait({serving}, timeout=0.1)
    await serving


def _cutter(server: _Server, client: object) -> Callable[[], None]:
    return lambda: server.cut(client)


def _reset(transport: asyncio.BaseTransport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    else:
        transport.close()
