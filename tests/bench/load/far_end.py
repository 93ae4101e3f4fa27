"""The far end of a measurement, sink and vendor in one: in the load generator's process, so both go by one clock."""

from __future__ import annotations

import asyncio
import time
from typing import Final, cast

from bench.load.driving import Arrived
from bench.load.histogram import Histogram
from bench.load.http1 import read_request
from bench.load.payload import (
    SINK_SECRET,
    number_in,
    task_id,
)
from receiver.lib.signatures import Secret, standard_webhook_key
from receiver.pretend.receivers.event_sink import read
from receiver.pretend.receivers.post_collector import ReceivedPost

#: The task ids with which the vendor's side answers orders begin with this.
ORDERED: Final = "0dde2ed0"
FINISHED: Final = b'{"task_id":"%s","status":"finished","image_urls":["https://cdn.midjourney.com/5f3c9a20/0_0.png"]}'

now = time.perf_counter


class FarEnd:
    """Takes messages and orders, and remembers how long each was on its way: from the webhook's sending to here."""

    def __init__(self, prefix: str) -> None:
        """`prefix` is that of the run's task ids."""
        self._prefix = prefix.encode()
        self._sent: dict[int, float] = {}
        self._histogram = Histogram()
        self._seen: set[int] = set()
        self._letters: list[ReceivedPost] = []
        self._repeats = 0
        self._taken = 0
        self._came = asyncio.Event()

    def connection(self) -> asyncio.Protocol:
        """Returns a protocol for one connection."""
        return _FarConnection(self)

    def sent(self, number: int) -> None:
        """Notes that the webhook with this number goes out now."""
        self._sent[number] = now()

    def take(self, headers: dict[str, str], body: bytes) -> bytes:
        """Takes one message or order; returns the answer, which only an order's sender reads.

        That is JourneyAPI's "finished at once" (documented for some models), so that no job stays live.
        """
        moment = now()
        number = number_in(body, self._prefix)
        if number is not None and number in self._seen:
            self._repeats += 1
        elif number is not None and number in self._sent:
            self._seen.add(number)
            self._histogram.add(int((moment - self._sent[number]) * 1e6))
        if number is not None:  # others tell of the request that asked whether the server is up
            self._letters.append(ReceivedPost(path="/", headers=headers, raw=body))
        self._came.set()
        self._taken += 1
        return FINISHED % task_id(ORDERED, self._taken).encode()

    async def wait(self, count: int, seconds: float) -> None:
        """Waits until so many different ones came, or that time is over."""
        try:
            async with asyncio.timeout(seconds):
                while len(self._seen) < count:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            return

    def arrived(self) -> Arrived:
        """Returns how many arrived, how often, and how long they took."""
        key = standard_webhook_key(Secret(SINK_SECRET))
        moment = int(time.time())
        signed = [letter for letter in self._letters if "webhook-signature" in letter.headers]
        return Arrived(
            count=len(self._seen),
            repeats=self._repeats,
            signed=sum(read(letter, key, moment).genuine for letter in signed),
            buckets=self._histogram.sparse(),
            largest=self._histogram.largest,
        )


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
