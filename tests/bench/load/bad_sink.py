"""Sinks as one fears them, in a process of its own: `python -m bench.load.bad_sink`.

The first word of the path says how it behaves; see `BEHAVIOURS`. Says its port in a line.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import uvloop

from bench.load.http1 import read_request
from bench.load.sink import say

#: How a sink may behave, and what that is in words.
BEHAVIOURS: Final = {
    "hang": "never answers",
    "fail": "answers 500",
    "flood": "answers without end",
    "drip": "answers a byte a second",
    "chat": "is a Slack channel, a message a second",
}
FAILED: Final = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
SAID: Final = b'{"ok":true,"channel":"C0123456789","ts":"1700000000.000100"}'
POSTED: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(SAID), SAID)
ENDLESS: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"
PIECE: Final = b"x" * 65_536


class _BadConnection(asyncio.Protocol):
    def __init__(self) -> None:
        self._data = b""
        self._is_open = self._is_writable = True
        self._is_flooding = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_open = False

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        if self._is_flooding:
            self._flood()

    def data_received(self, data: bytes) -> None:
        self._data += data
        if read_request(self._data) is None:
            return
        behaviour = self._data.split(b" ", 2)[1].split(b"/")[1]
        self._data = b""
        if behaviour in (b"fail", b"chat"):
            self._transport.write(FAILED if behaviour == b"fail" else POSTED)
        elif behaviour in (b"flood", b"drip"):
            self._transport.write(ENDLESS)
            self._is_flooding = behaviour == b"flood"
            self._loop.call_soon(self._flood if self._is_flooding else self._drip)

    def _flood(self) -> None:
        if self._is_open and self._is_writable:
            self._transport.write(PIECE)
            self._loop.call_soon(self._flood)

    def _drip(self) -> None:
        if self._is_open:
            self._transport.write(b"x")
            self._loop.call_later(1.0, self._drip)


async def serve() -> None:
    """Behaves badly until it is ended."""
    server = await asyncio.get_running_loop().create_server(_BadConnection, "127.0.0.1", 0)
    say(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
