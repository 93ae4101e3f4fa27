"""HTTP clients beside our transport, by hand, once `./tests/bench/run` has set up its environment:

    PYTHONPATH=tests .venv-bench/bin/python -P -m bench.http_clients [ROUNDS] [CALLS]

Each client POSTs a 1.2 KB event to a server on loopback, sixteen calls at a time over kept connections, as a sink with
default settings does. Clients take turns; medians are printed. A client that
is not installed is left out: httpx2 (the continuation of httpx) and aiohttp are no dependencies of ours.
"""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import median
from typing import Any, Final, cast

import httpcore
import httpx
import uvloop

from bench.contestants.contestant import python
from bench.load.http1 import read_request
from bench.machine.cores import on, two_cores
from handlers.http.transport import HttpTransport
from receiver.contracts import Call

#: Calls at a time: the default concurrency of a sink.
AT_ONCE: Final = 16
ROUNDS: Final = 7
CALLS: Final = 2000
SECONDS: Final = 15.0
BODY: Final = b'{"specversion":"1.0","data":"' + b"x" * 1170 + b'"}'
HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": "gridhook",
    "webhook-id": "evt_0000000000000",
    "webhook-timestamp": "1800000000",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}
ANSWER: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"

Once = Callable[[str], Awaitable[int]]
Client = Callable[[], AbstractAsyncContextManager[Once]]


@asynccontextmanager
async def ours(*, paid: bool = False) -> AsyncIterator[Once]:
    """`handlers.http.transport.HttpTransport`."""
    transport = HttpTransport()

    async def once(url: str) -> int:
        call = Call(method="POST", url=url, headers=HEADERS, body=BODY)
        return (await transport.send(call, SECONDS, paid=paid)).status

    yield once
    await transport.aclose()


@asynccontextmanager
async def client_of(library: Any) -> AsyncIterator[Once]:
    """The client of httpx, or of httpx2."""
    async with library.AsyncClient(trust_env=False, timeout=SECONDS) as client:

        async def once(url: str) -> int:
            answer = await client.post(url, content=BODY, headers=HEADERS)
            return int(answer.status_code)

        yield once


@asynccontextmanager
async def pool_of(library: Any) -> AsyncIterator[Once]:
    """The connection pool of httpcore, or of httpcore2, and nothing above it."""
    raw = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
    async with library.AsyncConnectionPool(max_keepalive_connections=AT_ONCE) as pool:

        async def once(url: str) -> int:
            host = url.split("/")[2].encode()
            head = [(b"host", host), *raw, (b"content-length", b"%d" % len(BODY))]
            answer = await pool.request("POST", url, headers=head, content=BODY, extensions={"timeout": timeout})
            return int(answer.status)

        yield once


@asynccontextmanager
async def session_of(library: Any) -> AsyncIterator[Once]:
    """The session of aiohttp."""
    async with library.ClientSession(timeout=library.ClientTimeout(total=SECONDS)) as session:

        async def once(url: str) -> int:
            async with session.post(url, data=BODY, headers=HEADERS, allow_redirects=False) as answer:
                await answer.read()
                return int(answer.status)

        yield once


def clients() -> dict[str, Client]:
    """Returns who takes part, by name."""
    found: dict[str, Client] = {
        "our HttpTransport": ours,
        "our HttpTransport, paid (a new connection)": lambda: ours(paid=True),
        f"httpx {httpx.__version__}": lambda: client_of(httpx),
        f"httpcore {httpcore.__version__}": lambda: pool_of(httpcore),
    }
    others: dict[str, Callable[[Any], AbstractAsyncContextManager[Once]]] = {
        "httpx2": client_of,
        "httpcore2": pool_of,
        "aiohttp": session_of,
    }
    for name, kind in others.items():
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        found[f"{name} {library.__version__}"] = lambda kind=kind, library=library: kind(library)  # type: ignore[misc]  # bound per turn
    return found


async def drive(once: Once, url: str, calls: int) -> tuple[float, float]:
    """Returns calls a second and microseconds of processor time a call, over so many calls."""
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            if await once(url) != 200:
                raise RuntimeError("the server did not answer 200")

    await asyncio.gather(*(once(url) for _ in range(AT_ONCE)))
    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return calls / (time.perf_counter() - began), (time.process_time() - used) * 1e6 / calls


async def compare(url: str, rounds: int, calls: int) -> dict[str, list[tuple[float, float]]]:
    """Returns the figures of each client, of so many rounds in which they took turns."""
    found = clients()
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, client in found.items():
            async with client() as once:
                results[name].append(await drive(once, url, calls))
    return results


class Answering(asyncio.Protocol):
    """The cheapest server that takes whole requests."""

    def __init__(self) -> None:
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answers once the request is whole."""
        self._data += data
        if read_request(self._data) is not None:
            self._data = b""
            self._transport.write(ANSWER)


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def serve() -> None:
    """The server's process: says its port, then answers until it is ended."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    say(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


def main(rounds: int = ROUNDS, calls: int = CALLS) -> None:
    """Measures and prints, the cheapest first."""
    cores = two_cores()
    command = python("-m", "bench.http_clients", "serve")
    with on(cores.load):
        server = subprocess.Popen(command.argv, env=command.environment(), stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline()) if server.stdout is not None else 0
        with on(cores.server):
            results = uvloop.run(compare(f"http://127.0.0.1:{port}/hooks/first", rounds, calls))
    finally:
        server.kill()
        server.wait()
    say(f"{'client':<44} {'calls/s':>8} {'CPU us a call':>14}   (medians of {rounds} rounds, ranges of CPU)")
    for name, figures in sorted(results.items(), key=lambda item: median(cpu for _, cpu in item[1])):
        rate, used = median(rate for rate, _ in figures), sorted(cpu for _, cpu in figures)
        say(f"{name:<44} {rate:>8,.0f} {median(used):>14.0f}   {used[0]:.0f}-{used[-1]:.0f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        uvloop.run(serve())
    else:
        main(*(int(word) for word in sys.argv[1:]))
