"""Clocks that a test sets, as an operator or the network would."""

from __future__ import annotations

import asyncio

from receiver.lib.steady_clock import SteadyClock
from support.records import NOW
from support.world import Clock


def pass_by(seconds: float) -> None:
    """So much time is over at once, for everything that the event loop times."""
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]


class SettableClock(Clock):
    """A machine's two clocks: time passes on both, and only the wall clock can be set. Its value is what a run sees."""

    def __init__(self, now: int = NOW, boot: str = "a boot") -> None:
        super().__init__(now)
        self.since_boot = 5_000
        self.start_run(boot)

    def start_run(self, boot: str) -> None:
        """A new process, of the same boot or of another one."""
        self.steady = SteadyClock(lambda: self.now, lambda: self.since_boot * 1_000_000, boot)

    def __call__(self) -> int:
        return self.steady()

    def pass_by(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += int(seconds * 1000)
        self.since_boot += int(seconds * 1000)

    def set_by(self, seconds: float) -> None:
        """Sets the wall clock, ahead or (below 0) back."""
        self.now += int(seconds * 1000)
