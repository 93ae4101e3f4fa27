"""Starts and asks the far end's process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Final

import msgspec

from bench.contestants.contestant import python
from bench.errors import BenchError
from bench.load.far_end import Arrived
from bench.machine.cores import on

#: How long one may run, seconds.
PATIENCE: Final = 120.0


class RunningFarEnd:
    """The far end's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._line())

    def arrived(self, count: int) -> Arrived:
        """What has arrived once it is so many, or nothing more is waited for. Raises BenchError."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._line(), type=Arrived)

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise BenchError("the far end does not say what arrived")
        return line


@contextmanager
def far_end(prefix: str, cores: frozenset[int] | None) -> Iterator[RunningFarEnd]:
    """Starts one on these cores for a run whose task ids begin with `prefix`; it has ended afterwards."""
    command = python("-m", "bench.load.far_end", prefix)
    with on(cores):
        process = subprocess.Popen(
            command.argv, env=command.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    watchdog = Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        yield RunningFarEnd(process)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
