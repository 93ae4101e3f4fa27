"""Connections without a network: what is sent to a face, and what it writes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from uvicorn.server import ServerState

from receiver.contracts import Filters, KeptRequest
from receiver.web.http.connection import Connection
from receiver.web.http.connections import Connections
from receiver.web.http.limits import HttpLimits
from receiver.web.http.senders import Senders
from support.face import GRID, Face, a_face

BODY = json.dumps(GRID).encode()
MAX_BODY = 2000
SECRET = "hook-secret"
DATE = (b"date", b"Sat, 21 Nov 2026 10:00:00 GMT")
LIMITS = HttpLimits(max_body=MAX_BODY, look_every=0.01)
LOOK = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"


class Wire(asyncio.Transport):
    """The other end of a connection: what was written to it, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False
        self.half_closed = False
        self.aborted = False
        self.reading = True
        self.changed = asyncio.Event()
        #: How many whole answers were seen, and where the next one begins.
        self._counted = 0
        self._counted_to = 0

    def write(self, data: Any) -> None:
        self.written += bytes(data)
        self.changed.set()

    def close(self) -> None:
        self.closing = True
        self.changed.set()

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def write_eof(self) -> None:
        self.half_closed = True
        self.close()

    def can_write_eof(self) -> bool:
        return True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 50_000) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    async def until(self, is_so: Callable[[Wire], bool]) -> None:
        """Waits for what is to happen at the other end."""
        async with asyncio.timeout(10):
            while not is_so(self):
                self.changed.clear()
                await self.changed.wait()

    async def answers(self, number: int) -> None:
        """Waits for so many answers that are whole, or for the end."""
        await self.until(lambda wire: wire.closing or wire.count() >= number)

    def count(self) -> int:
        """How many answers are here as a whole."""
        while head := re.compile(rb"HTTP/1.1 (\d+) .*?\r\n\r\n", re.DOTALL).match(self.written, self._counted_to):
            length = re.search(rb"content-length: (\d+)", head[0])
            self._counted_to = head.end() + (int(length[1]) if length else 0)
            self._counted += head[1] != b"100"
        return self._counted


class Peer:
    """A connection to a face."""

    def __init__(self, face: Face, limits: HttpLimits = LIMITS, proxies: tuple[str, ...] = ()) -> None:
        self.face = face
        self.state = ServerState()
        self.state.default_headers = [DATE]
        app = face.app
        self.connections = Connections(app, limits, Senders(proxies))
        self.wire, self.protocol = self.another()

    def another(self) -> tuple[Wire, Connection]:
        """One more connection to the same server."""
        protocol = self.connections(config=Any, server_state=self.state, app_state={})  # type: ignore[arg-type]
        wire = Wire()
        protocol.connection_made(wire)
        return wire, protocol

    async def send(self, *pieces: bytes, answers: int = 1) -> bytes:
        """What comes back for bytes that arrive in these pieces."""
        for piece in pieces:
            self.protocol.data_received(piece)
            await asyncio.sleep(0)
        await self.wire.answers(answers)
        return self.wire.written

    async def end(self) -> None:
        """Hangs up, and lets what is at work end."""
        self.protocol.connection_lost(None)
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks)


async def kept(face: Face) -> list[KeptRequest]:
    """All requests, oldest first."""
    return [*await face.store.read(lambda tx: tx.requests(Filters(limit=500)))][::-1]


@asynccontextmanager
async def a_peer(folder: Path, limits: HttpLimits = LIMITS, proxies: tuple[str, ...] = ()) -> AsyncIterator[Peer]:
    """A connection to a face of its own."""
    async with a_face(folder, max_body=MAX_BODY) as face:
        peer = Peer(face, limits, proxies)
        yield peer
        await peer.end()
        assert face.app.load.unread == 0


def post(path: str = "/in/journey", body: bytes = BODY, *more: str, secret: str | None = SECRET) -> bytes:
    """A webhook as it comes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: hooks.example.com", *more]
    if secret is not None:
        lines.append(f"X-Webhook-Secret: {secret}")
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in more):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
