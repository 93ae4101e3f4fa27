"""The far end of a measurement, sink and vendor in one, in a process of its own: `python -m bench.load.far_end PREFIX`.

Says its port in a line. Told in a line how many different messages or orders are to come, it waits for them, then says
in a line what arrived, as JSON, and ends.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final, cast

import msgspec
import uvloop

from bench.load.http1 import read_request
from bench.load.payload import (
    SINK_SECRET,
    number_in,
    task_id,
)
from bench.load.sink import say
from receiver.lib.signatures import Secret, standard_webhook_key
from receiver.pretend.receivers.event_sink import read
from receiver.pretend.receivers.post_collector import ReceivedPost

#: The task ids with which the vendor's side answers orders begin with this.
ORDERED: Final = "0dde2ed0"
FINISHED: Final = b'{"task_id":"%s","status":"finished","image_urls":["https://cdn.midjourney.com/5f3c9a20/0_0.png"]}'
#: How long what is on its way is waited for after the last request, seconds.
GRACE: Final = 5.0

now = time.perf_counter


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What came out at the far end."""

    #: When the first message or order of each request came, by its number, seconds, on the clock of `Answers.sent_at`.
    moments: dict[int, float]
    #: Arrivals of an event that had arrived already.
    repeats: int
    #: Messages whose signature is right.
    signed: int


class FarEnd:
    """Takes messages and orders, and remembers when each came."""

    def __init__(self, prefix: str) -> None:
        """`prefix` is that of the run's task ids."""
        self._prefix = prefix.encode()
        self._moments: dict[int, float] = {}
        self._letters: list[ReceivedPost] = []
        self._repeats = 0
        self._taken = 0
        self._came = asyncio.Event()

    def connection(self) -> asyncio.Protocol:
        """Returns a protocol for one connection."""
        return _FarConnection(self)

    def take(self, headers: dict[str, str], body: bytes) -> bytes:
        """Takes one message or order; returns the answer, which only an order's sender reads.

        That is JourneyAPI's "finished at once" (documented for some models), so that no job stays live.
        """
        moment = now()
        number = number_in(body, self._prefix)
        if number is not None:  # others tell of the request that asked whether the server is up
            self._repeats += number in self._moments
            self._moments.setdefault(number, moment)
            self._letters.append(ReceivedPost(path="/", headers=headers, raw=body))
        self._came.set()
        self._taken += 1
        return FINISHED % task_id(ORDERED, self._taken).encode()

    async def wait(self, count: int, seconds: float) -> None:
        """Waits until so many different ones came, or that time is over."""
        try:
            async with asyncio.timeout(seconds):
                while len(self._moments) < count:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            return

    def arrived(self) -> Arrived:
        """Returns what arrived, and when."""
        key = standard_webhook_key(Secret(SINK_SECRET))
        moment = int(time.time())
        signed = [letter for letter in self._letters if "webhook-signature" in letter.headers]
        genuine = sum(read(letter, key, moment).genuine for letter in signed)
        return Arrived(moments=self._moments, repeats=self._repeats, signed=genuine)


class _FarConnection(asyncio.Protocol):
    def __init__(self, far_end: FarEnd) -> None:
        self._far_end = far_end
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of a class of their own.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        request = read_request(self._data)
        if request is None:
            return
        self._data = b""
        answer = self._far_end.take(*request)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
        self._transport.write(head + answer)


async def serve(prefix: str) -> None:
    """Takes what comes until it was told how much that is, and has it."""
    far_end = FarEnd(prefix)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(far_end.connection, "127.0.0.1", 0)
    say(str(server.sockets[0].getsockname()[1]))
    count = await asyncio.to_thread(sys.stdin.readline)
    await far_end.wait(int(count or 0), GRACE)
    say(msgspec.json.encode(far_end.arrived()).decode())
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
