"""Runs a load generator beside a server: ours, or wrk where it is installed."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Final, Literal

import msgspec

from bench.contestants.contestant import (
    Command,
    Contestant,
    python,
)
from bench.errors import BenchError
from bench.load import wrk
from bench.load.driving import Answers, Load
from bench.machine.cores import on
from bench.machine.servers import RunningServer

Kind = Literal["wrk", "own"]
#: Beyond the time of the load: for starting and for waiting for the last answers, seconds.
PATIENCE: Final = 30.0


def choose(choice: Literal["auto", "wrk", "own"]) -> Kind:
    """Returns the generator to use. Raises BenchError if wrk is asked for and not installed."""
    found = shutil.which("wrk") is not None
    if choice == "wrk" and not found:
        raise BenchError("wrk is not installed: install it (Debian: `apt install wrk`), or leave --load out")
    return "wrk" if choice != "own" and found else "own"


def aimed(contestant: Contestant, server: RunningServer, seconds: float, connections: int = 64) -> Load:
    """Returns a load for a contestant, with task ids of its own."""
    return Load(
        port=server.port,
        path=contestant.path,
        headers=contestant.headers,
        prefix=secrets.token_hex(4),
        connections=connections,
        seconds=seconds,
    )


class Generator:
    """A load generator at work. `folder` is for its script."""

    def __init__(self, load: Load, cores: frozenset[int] | None, folder: Path, kind: Kind = "own") -> None:
        self._load = load
        self._kind = kind
        command = wrk.command(load, folder) if kind == "wrk" else _ours(load)
        with on(cores):
            self._process = subprocess.Popen(  # our own generator, or wrk
                command.argv,
                env=command.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )

    def answers(self) -> Answers:
        """Waits for its end and returns what came back. Raises BenchError."""
        try:
            said, wrong = self._process.communicate(timeout=self._load.seconds + PATIENCE)
        except subprocess.TimeoutExpired:
            raise BenchError("the load generator did not end") from None
        finally:
            self.end()
        if self._process.returncode:
            raise BenchError(f"the load generator failed: {wrong.decode(errors='replace')[-800:]}")
        return wrk.answers(said) if self._kind == "wrk" else msgspec.json.decode(said, type=Answers)

    def end(self) -> None:
        """Ends it, if it still runs."""
        self._process.kill()
        self._process.wait()


def drive(load: Load, cores: frozenset[int] | None, folder: Path, kind: Kind = "own") -> Answers:
    """Puts a load on a server and returns what came back. Raises BenchError."""
    return Generator(load, cores, folder, kind).answers()


def _ours(load: Load) -> Command:
    return python("-m", "bench.load.own", msgspec.json.encode(load).decode())
