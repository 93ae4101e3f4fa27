"""A sink in a process of its own: `python -m bench.load.sink SINK-AS-JSON`.

Says its port, then "began" when the first message is there, and "done" once all that it waits for have been answered;
each in a line of its own.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import Final, cast

import msgspec
import uvloop

from bench.load.http1 import read_request

#: What each message is answered with.
ANSWER: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class SlowSink(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink is told."""

    #: How many messages it waits for.
    messages: int
    #: How long it takes over each, seconds.
    takes_s: float = 0.0
    #: Files of a certificate with its key, for TLS.
    certificate: str | None = None
    key: str | None = None


class _Taking:
    """Counts what came."""

    def __init__(self, told: SlowSink) -> None:
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._came = self._answered = 0

    def take(self, transport: asyncio.Transport) -> None:
        """A message is there."""
        self._came += 1
        if self._came == 1:
            say("began")
        if self._told.takes_s:
            self._loop.call_later(self._told.takes_s, self._answer, transport)
        else:
            self._answer(transport)

    def _answer(self, transport: asyncio.Transport) -> None:
        transport.write(ANSWER)
        self._answered += 1
        if self._answered == self._told.messages:
            say("done")


class _SinkConnection(asyncio.Protocol):
    def __init__(self, taking: _Taking) -> None:
        self._taking = taking
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if read_request(self._data) is not None:
            self._data = b""
            self._taking.take(self._transport)


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def serve(told: SlowSink) -> None:
    """Takes messages until it is ended."""
    taking = _Taking(told)
    tls = None
    if told.certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(told.certificate, told.key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _SinkConnection(taking), "127.0.0.1", 0, ssl=tls)
    say(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(msgspec.json.decode(sys.argv[1], type=SlowSink)))
