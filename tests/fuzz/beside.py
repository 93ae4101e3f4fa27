"""What idle and dripping connections do to a steady load beside them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from fuzz.cases import SECRET
from fuzz.driver import rss
from fuzz.running import served
from support.picks import PICK

#: Webhooks a second, over so many connections, for so many seconds each time; how often it is measured both ways.
RATE: Final = 200
CONNECTIONS: Final = 16
SECONDS: Final = 5.0
ROUNDS: Final = 3
#: Between two bytes of a dripping connection, seconds.
DRIP_EVERY: Final = 0.5
HEAD: Final = f"POST /in/journey HTTP/1.1\r\nhost: a\r\nx-webhook-secret: {SECRET}\r\n".encode()
DRIPS: Final = (HEAD + b"x-long: ", HEAD + b"content-length: 100000\r\n\r\n")


class Latencies(NamedTuple):
    """Of a steady load, ms."""

    p50: float
    p99: float
    errors: int


async def measured(number: int) -> str:
    """The latencies of a steady load alone and beside so many idle and so many dripping connections, in turn."""
    wanted = 2 * number + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    alone: list[Latencies] = []
    beside: list[Latencies] = []
    with tempfile.TemporaryDirectory(prefix="gridhook-beside-") as folder:
        async with served(Path(folder)) as server:
            port = int(server.url.rpartition(":")[2])
            await steady(port, 1.0)
            start = rss(server.pid)
            for _ in range(ROUNDS):
                alone.append(await steady(port, SECONDS))
                async with asyncio.TaskGroup() as group:
                    others = [group.create_task(_idle(port)) for _ in range(number)]
                    others += [group.create_task(_drip(port, DRIPS[one % 2])) for one in range(number)]
                    await asyncio.sleep(2)
                    beside.append(await steady(port, SECONDS))
                    grown = rss(server.pid) - start
                    for other in others:
                        other.cancel()
    ratio = statistics.median(two.p99 / one.p99 for one, two in zip(alone, beside, strict=True))
    lines = [
        f"alone: {one}; beside {number} idle and {number} dripping: {two}"
        for one, two in zip(alone, beside, strict=True)
    ]
    return "\n".join([*lines, f"p99 beside / alone: {ratio:.2f}; memory grew by {grown:.0f} MB"])


async def steady(port: int, seconds: float) -> Latencies:
    """Webhooks by the clock, from the moment each was due."""
    took: list[float] = []
    errors = 0
    began = time.perf_counter()

    async def work(first: int) -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(first, int(RATE * seconds), CONNECTIONS):
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            body = json.dumps({**PICK, "task_id": f"{time.time_ns():032x}"}).encode()
            writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            errors += not answer.startswith(b"HTTP/1.1 200 ")
            took.append((time.perf_counter() - due) * 1000)
        writer.close()

    await asyncio.gather(*(work(first) for first in range(CONNECTIONS)))
    cuts = statistics.quantiles(took, n=100)
    return Latencies(round(cuts[49], 2), round(cuts[98], 2), errors)


async def _idle(port: int) -> None:
    """A connection that says nothing; a new one whenever it is closed."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await reader.read()
            finally:
                writer.close()


async def _drip(port: int, start: bytes) -> None:
    """A connection that sends a byte now and then; a new one whenever it is closed."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(start)
                while not writer.is_closing():
                    await asyncio.sleep(DRIP_EVERY)
                    writer.write(b"y")
                    await writer.drain()
            finally:
                writer.close()
