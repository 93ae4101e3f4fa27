"""Starts contestants and load generators as processes, and ends each of them by its own number."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.contestants.contestant import Command, Contestant
from bench.errors import BenchError
from bench.load.payload import request_parts
from bench.machine.cores import on
from bench.machine.proc import Usage, usage

#: Between two looks whether a server is up, seconds.
LOOK_EVERY: Final = 0.005
#: How long a server may take to end when it is asked to, seconds.
ENDING: Final = 10.0
#: The end of a server's log that an error shows, characters.
SHOWN: Final = 2000
#: How much of an answer is looked at, bytes.
PEEK: Final = 65_536
#: Run prefix of the requests that only ask whether a server is up.
PROBE: Final = "ffffffff"


class RunningServer:
    """One running contestant; its log is `server.log` in its folder."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._process = process

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def usage(self) -> Usage:
        """Returns what it has used so far."""
        return usage(self._process.pid)

    def stop(self) -> None:
        """Asks it to end; ends it if it does not."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it, and whatever it started, without a warning (`kill -9`)."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, which: signal.Signals) -> None:
        # It was started as the leader of a group of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, which)

    def log(self) -> str:
        """Returns the end of its log."""
        return (self.folder / "server.log").read_text(errors="replace")[-SHOWN:]


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody listens on at this moment."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def started(
    command: Command, folder: Path, port: int, cores: frozenset[int] | None, env: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """A process of a command, for as long as the block runs; it may not listen yet."""
    with (folder / "server.log").open("ab") as log, on(cores):
        process = subprocess.Popen(  # our own commands, or those that the user's contestants name
            command.argv,
            cwd=folder,
            env={**command.environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = RunningServer(process, folder, port)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def serving(
    contestant: Contestant, folder: Path, cores: frozenset[int] | None, env: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """A contestant that takes requests, in a folder that is made for it. Raises BenchError if it does not start."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = contestant.prepare(folder, port)
    with started(command, folder, port, cores, env) as server:
        before, after = request_parts(contestant.path, contestant.headers, PROBE)
        request = before + b"%012x" % 0 + after
        wait_until_up(server, request, contestant.patience, contestant.name, contestant.shows)
        yield server


def wait_until_up(server: RunningServer, request: bytes, patience: float, name: str, shows: bytes = b"") -> None:
    """Sends a request again and again until it is answered with 2xx and a body that shows this. Raises BenchError."""
    ends = time.monotonic() + patience
    while not _takes(server.port, request, shows):
        if not server.running:
            raise BenchError(f"{name} ended instead of starting; it said:\n{server.log()}")
        if time.monotonic() > ends:
            raise BenchError(f"{name} took no request within {patience:g} s; it said:\n{server.log()}")
        time.sleep(LOOK_EVERY)


def _takes(port: int, request: bytes, shows: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return 200 <= answer.status < 300 and shows in answer.read(PEEK)
    except (OSError, http.client.HTTPException):
        return False
