"""Our own load generator: `python -m bench.load.own LOAD-AS-JSON`, one process, prints its `Answers` as JSON."""

from __future__ import annotations

import array
import asyncio
import sys
import time
from collections import deque
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.load.connection import LoadConnection
from bench.load.driving import Answers, Load
from bench.load.histogram import Histogram
from bench.load.payload import request_parts

#: How long answers are waited for after the last request, seconds.
GRACE: Final = 5.0
#: Timers are exact to a millisecond; nearer than this the generator spins, seconds.
SPIN: Final = 0.002
#: How many connections are opened at once, so that no backlog overflows.
OPENED_AT_ONCE: Final = 16
#: After so many breaks in a row without an answer a connection is not opened again.
MOST_BREAKS: Final = 3

now = time.perf_counter


class Driver:
    """Sends requests over connections that are kept open, and counts what comes back."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._sent_at: list[float] = []
        self._before, self._after = request_parts(load.path, load.headers, load.prefix, picks=load.picks)
        self._histogram = Histogram()
        self._numbers = array.array("q")
        self._sent = self._lost = self._acknowledged = 0
        self._refused: dict[int, int] = {}
        self._silence = self._late = 0.0
        self._connections: set[LoadConnection] = set()
        #: Connections without work.
        self._free: deque[LoadConnection] = deque()
        #: With a rate: the moments of requests that were due while no connection was free.
        self._due: deque[float] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._sending = False
        self._over = asyncio.Event()

    async def run(self) -> Answers:
        """Opens the connections, sends for the time of the load, and returns what came back."""
        await self._open_all()
        self._sending = True
        self._began = self._last = now()
        self._ends = self._began + self._load.seconds
        try:
            async with asyncio.timeout(self._load.seconds + GRACE):
                await self._drive()
                await self._over.wait()
        except TimeoutError:
            self._lost += len(self._due)
        self._sending = False
        for connection in list(self._connections):
            self._lost += connection.busy
            connection.busy = False
            connection.give_up()
        return self._answers()

    # --- told by connections

    def answered(self, connection: LoadConnection, status: int) -> None:
        """A whole answer came: it is counted, and the connection gets its next request."""
        moment = now()
        self._silence = max(self._silence, moment - self._last)
        self._last = moment
        if 200 <= status < 300:
            self._acknowledged += 1
            self._histogram.add(int((moment - connection.since) * 1e6))
            if self._load.acknowledged is not None:
                self._numbers.append(connection.number)
        else:
            self._refused[status] = self._refused.get(status, 0) + 1
        self._next(connection)

    def broken(self, connection: LoadConnection) -> None:
        """A connection is closed: what was on its way is lost, and another one is opened while there is work."""
        self._lost += connection.busy
        self._connections.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if self._sending and connection.breaks < MOST_BREAKS:
            task = asyncio.create_task(self._open(connection.breaks + 1))
            self._opening.add(task)
            task.add_done_callback(self._opened)
        else:
            self._end_if_done()

    # --- inside

    async def _open_all(self) -> None:
        for first in range(0, self._load.connections, OPENED_AT_ONCE):
            together = min(OPENED_AT_ONCE, self._load.connections - first)
            await asyncio.gather(*(self._open(0) for _ in range(together)))

    async def _open(self, breaks: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: LoadConnection(self, breaks), "127.0.0.1", self._load.port
            )
        except OSError:
            return
        self._connections.add(connection)
        if self._sending:
            self._next(connection)
        else:
            self._free.append(connection)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._end_if_done()

    async def _drive(self) -> None:
        if self._load.rate is not None:
            await self._pace(self._load.rate)
            return
        free, self._free = self._free, deque()
        for connection in free:
            self._next(connection)
        self._end_if_done()

    async def _pace(self, rate: float) -> None:
        """One request at each moment of the schedule, whether or not those before it are answered."""
        for number in range(min(self._load.limit, int(rate * self._load.seconds))):
            due = self._began + number / rate
            while (wait := due - now()) > 0:  # noqa: ASYNC110  # a clock has no event; the last bit is spun
                await asyncio.sleep(max(0.0, wait - SPIN))
            self._late = max(self._late, now() - due)
            if self._free:
                self._send(self._free.popleft(), due)
            else:
                self._due.append(due)
            if not self._connections:
                break
        self._sending = False
        self._end_if_done()

    def _next(self, connection: LoadConnection) -> None:
        if self._due:
            self._send(connection, self._due.popleft())
        elif self._load.rate is None and now() < self._ends and self._sent < self._load.limit:
            self._send(connection, now())
        else:
            self._free.append(connection)
            if self._load.rate is None:
                self._sending = False
            self._end_if_done()

    def _send(self, connection: LoadConnection, since: float) -> None:
        number = self._sent
        self._sent += 1
        if self._load.timed:
            self._sent_at.append(now())
        connection.send(self._before + b"%012x" % number + self._after, number, since)

    def _end_if_done(self) -> None:
        """Nothing is to be sent any more and nothing is on its way; or there is nobody left to send to."""
        if self._opening:
            return
        resting = not self._sending and not self._due and len(self._free) == len(self._connections)
        if resting or not self._connections:
            self._over.set()

    def _answers(self) -> Answers:
        if self._load.acknowledged is not None:
            Path(self._load.acknowledged).write_bytes(self._numbers.tobytes())
        return Answers(
            sent=self._sent,
            acknowledged=self._acknowledged,
            refused=self._refused,
            lost=self._lost,
            seconds=self._last - self._began,
            buckets=self._histogram.sparse(),
            largest=self._histogram.largest,
            silence_ms=self._silence * 1000,
            late_ms=self._late * 1000,
            sent_at=self._sent_at,
        )


async def run(load: Load) -> Answers:
    """Runs a load and returns what came back."""
    return await Driver(load).run()


def main() -> None:
    """The process."""
    load = msgspec.json.decode(sys.argv[1], type=Load)
    answers = uvloop.run(run(load))
    sys.stdout.buffer.write(msgspec.json.encode(answers))


if __name__ == "__main__":
    main()
