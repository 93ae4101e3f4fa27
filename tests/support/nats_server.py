"""A real NATS server with JetStream, out of its wheel."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import nats.aio.client
from nats.js.api import StreamConfig

#: Seconds that a start may take on a busy machine.
LIMIT_S: Final = 60.0
#: Bytes of a message; a server's own bound is 1 MiB, which a huge event of the tests would not keep to.
MAX_PAYLOAD: Final = 8 * 1024**2


@contextmanager
def nats_server(*arguments: str) -> Iterator[str]:
    """A server on a free port of this machine, for as long as the block runs; its address without credentials."""
    with tempfile.TemporaryDirectory(prefix="gridhook-nats-", ignore_cleanup_errors=True) as folder:
        config = Path(folder) / "nats.conf"
        config.write_text(f"max_payload: {MAX_PAYLOAD}\n")
        place = ["-c", str(config), "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", folder, "--ports_file_dir", folder]
        program = Path(sys.executable).with_name("nats-server")
        with subprocess.Popen([program, *place, *arguments], stderr=subprocess.DEVNULL) as server:
            try:
                yield _address(Path(folder), server)
            finally:
                server.kill()


def _address(folder: Path, server: subprocess.Popen[bytes]) -> str:
    """Where it listens: it writes a file when it does."""
    until = time.monotonic() + LIMIT_S
    while server.poll() is None and time.monotonic() < until:
        for file in folder.glob("*.ports"):
            text = file.read_text("utf-8")
            if text.rstrip().endswith("}"):
                return str(json.loads(text)["nats"][0])
        time.sleep(0.01)
    raise AssertionError(f"the NATS server does not listen; it ended with {server.poll()}")


@asynccontextmanager
async def _connected(server: str) -> AsyncIterator[nats.aio.client.Client]:
    client = nats.aio.client.Client()
    await client.connect(server)
    try:
        yield client
    finally:
        await client.close()


async def add_stream(server: str, name: str, *subjects: str, **how: Any) -> None:
    """Makes a stream that takes these subjects; `how` goes to its configuration."""
    async with _connected(server) as client:
        await client.jetstream().add_stream(StreamConfig(name=name, subjects=list(subjects), **how))


async def remove_streams(server: str) -> None:
    """Removes all streams."""
    async with _connected(server) as client:
        for stream in await client.jsm().streams_info():
            await client.jsm().delete_stream(str(stream.config.name))


async def kept_in(server: str, stream: str) -> list[tuple[str, dict[str, str], bytes]]:
    """Subject, headers and body of all that a stream keeps, oldest first."""
    async with _connected(server) as client:
        manager = client.jsm()
        last = (await manager.stream_info(stream)).state.last_seq
        found = [await manager.get_msg(stream, number) for number in range(1, last + 1)]
        return [(str(one.subject), dict(one.headers or {}), bytes(one.data or b"")) for one in found]
