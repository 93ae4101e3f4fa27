"""A network that takes its time: passes a server's connections on, each direction later by so many milliseconds."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from bench.contestants.contestant import python
from bench.errors import BenchError

PIECE: Final = 1 << 16
#: The port of a server whose address names none.
POSTGRES_PORT: Final = 5432


@contextmanager
def delayed(address: str, delay_ms: float) -> Iterator[str]:
    """The address of a proxy, in a process of its own, before the server at an address. Raises BenchError."""
    parts = urlsplit(address)
    if parts.hostname is None:
        raise BenchError("--postgres takes an address with a host, like postgresql://user@127.0.0.1:5432/bench")
    command = python(
        "-m", "bench.machine.delaying_proxy", parts.hostname, str(parts.port or POSTGRES_PORT), str(delay_ms)
    )
    process = subprocess.Popen(command.argv, env=command.environment(), stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip() if process.stdout is not None else ""
        if not port:
            raise BenchError("the delaying proxy did not start")
        who, at, _ = parts.netloc.rpartition("@")
        yield urlunsplit(parts._replace(netloc=f"{who}{at}127.0.0.1:{port}"))
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def serve(host: str, port: int, delay_s: float) -> None:
    """Listens on a free port of 127.0.0.1, which it prints, until it is ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)  # noqa: T201 - what it is started for
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((host, port))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _pass_on(client, server, delay_s)
            _pass_on(server, client, delay_s)


def _pass_on(source: socket.socket, target: socket.socket, delay_s: float) -> None:
    pieces: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def read() -> None:
        piece = b"-"
        while piece:
            piece = b""
            with suppress(OSError):
                piece = source.recv(PIECE)
            pieces.put((time.monotonic() + delay_s, piece))

    def write() -> None:
        with suppress(OSError):
            while True:
                at, piece = pieces.get()
                time.sleep(max(0.0, at - time.monotonic()))
                if not piece:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(piece)

    for work in (read, write):
        threading.Thread(target=work, daemon=True).start()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000)
