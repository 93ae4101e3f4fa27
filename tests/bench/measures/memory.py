"""Memory and start: after the start, after many events, with many open streams; how long it takes to be ready."""

from __future__ import annotations

import contextlib
import resource
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from bench.contestants import gridhook
from bench.contestants.contestant import python
from bench.errors import BenchError
from bench.load.generators import aimed, drive
from bench.machine.servers import RunningServer, free_port, started, wait_until_up
from bench.measures.contest import Plan
from bench.measures.imports import (
    Imported,
    import_ms,
    slowest,
)
from bench.progress import Say

STREAMS: Final = 1000
#: How often the import is timed.
IMPORTS: Final = 5
#: File descriptors that server and measurement need for that.
DESCRIPTORS: Final = 4096
#: Looks at the memory while the events come in.
PORTIONS: Final = 5
#: How long a portion may take, seconds.
LONGEST: Final = 1800.0
READY: Final = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
STREAM: Final = (
    "GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    f"Authorization: Bearer {gridhook.ADMIN_TOKEN}\r\nAccept: text/event-stream\r\n\r\n"
).encode()


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory in MB (1,000,000 bytes), times in milliseconds."""

    start_mb: float
    events: int
    #: After a fifth of the events, two fifths ... all.
    after_mb: tuple[float, ...]
    streams: int
    streams_mb: float
    #: What opening them added to a bare uvicorn, which can do no more than hold them open.
    bare_streams_mb: float
    #: From the command to the first 200 of /readyz.
    ready_empty_ms: float
    #: On the database with all those events.
    ready_full_ms: float
    #: `import receiver.app`, beyond starting the interpreter.
    import_ms: float
    imported: tuple[Imported, ...]


def memory(plan: Plan, count: int, say: Say, *, streams: int = STREAMS, imports: int = IMPORTS) -> Memory:
    """Returns memory and times with `count` events and so many open streams; the import is timed so many times.

    Raises BenchError.
    """
    folder = plan.folder / "memory"
    folder.mkdir()
    _allow_descriptors()
    try:
        with _ready(folder, plan) as (server, ready_empty):
            start = server.usage().resident / 1e6
            say(f"ready after {ready_empty:.0f} ms with {start:.0f} MB")
            after = tuple(_grow(server, plan, count // PORTIONS, say) for _ in range(PORTIONS))
            held = _with_streams(server, streams)
            bare = _on_bare_uvicorn(folder, plan, streams)
            say(f"{streams} open streams: {held:.0f} MB; they add {bare:.0f} MB to a bare uvicorn")
            server.stop()
        with _ready(folder, plan) as (_, ready_full):
            say(f"ready after {ready_full:.0f} ms on {count:,} events")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Memory(
        start_mb=start,
        events=count,
        after_mb=after,
        streams=streams,
        streams_mb=held,
        bare_streams_mb=bare,
        ready_empty_ms=ready_empty,
        ready_full_ms=ready_full,
        import_ms=import_ms(imports),
        imported=slowest(),
    )


@contextmanager
def _ready(folder: Path, plan: Plan) -> Iterator[tuple[RunningServer, float]]:
    """A running gridhook and how many milliseconds it took to be ready."""
    port = free_port()
    command = gridhook.start(folder, port, gridhook.configuration(port), "intake")
    before = time.perf_counter()
    with started(command, folder, port, plan.cores.server) as server:
        wait_until_up(server, READY, gridhook.GRIDHOOK.patience, gridhook.GRIDHOOK.name)
        yield server, (time.perf_counter() - before) * 1000


def _grow(server: RunningServer, plan: Plan, count: int, say: Say) -> float:
    load = msgspec.structs.replace(aimed(gridhook.GRIDHOOK, server, LONGEST, plan.connections), limit=count)
    done = drive(load, plan.cores.load, server.folder)
    resident = server.usage().resident / 1e6
    say(f"{done.acknowledged:,} more events: {resident:.0f} MB")
    return resident


def _with_streams(server: RunningServer, count: int) -> float:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(contextlib.closing(_stream(server.port)))
        return server.usage().resident / 1e6


def _on_bare_uvicorn(folder: Path, plan: Plan, count: int) -> float:
    """Returns what as many open answers add to a uvicorn that only holds them, MB."""
    port = free_port()
    with started(python("-m", "bench.contestants.no_op", "held", str(port)), folder, port, plan.cores.server) as server:
        wait_until_up(server, READY, gridhook.GRIDHOOK.patience, "bare uvicorn")
        before = server.usage().resident / 1e6
        return _with_streams(server, count) - before


def _stream(port: int) -> socket.socket:
    """Returns an open stream that has begun."""
    stream = socket.create_connection(("127.0.0.1", port), timeout=10)
    stream.sendall(STREAM)
    if b" 200 " not in stream.recv(4096):
        stream.close()
        raise BenchError("the stream was refused")
    return stream


def _allow_descriptors() -> None:
    """Raises the limit of open files to what the streams need; a server inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
