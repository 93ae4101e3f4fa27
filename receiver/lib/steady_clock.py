"""A clock that goes evenly: it follows the wall clock only when it is told to, so that nobody is caught by a jump."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from receiver.lib.times import Clock, system_clock

#: Goes on while the machine sleeps, where there is such a clock.
SINCE_BOOT: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
#: Nanoseconds since the machine was started; no setting of the clock changes it.
since_boot_ns: Final[Callable[[], int]] = partial(time.clock_gettime_ns, SINCE_BOOT)
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
#: The two clocks of one reading are read within so many ms, if that can be had.
TOGETHER: Final = 100
NS_PER_MS: Final = 1_000_000


class ClockReading(msgspec.Struct, frozen=True, kw_only=True):
    """What two clocks showed at one moment: between two readings of one boot, the steady one tells how long it was."""

    #: Which boot of which machine; `steady` counts from there.
    boot: str
    #: ms, whatever the wall clock is set to.
    steady: int
    #: Unix ms.
    wall: int


def this_boot() -> str:
    """What tells this boot of this machine from any other; where the system does not say, this very process."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return secrets.token_hex(16)


class SteadyClock:
    """The present as Unix ms (`Clock`): what the wall clock showed when it was last followed, and what passed since."""

    def __init__(
        self, wall: Clock = system_clock, steady_ns: Callable[[], int] = since_boot_ns, boot: str | None = None
    ) -> None:
        self._wall = wall
        self._steady_ns = steady_ns
        self._boot = boot or this_boot()
        self._ahead = 0
        self.follow()

    def __call__(self) -> int:
        return self._steady_ns() // NS_PER_MS + self._ahead

    def off_by(self) -> int:
        """How far the wall clock was set since it was last followed, ms: below 0 if it was set back."""
        reading = self._read()
        return reading.wall - reading.steady - self._ahead

    def follow(self) -> ClockReading:
        """Goes by the wall clock as it is now; returns the reading."""
        reading = self._read()
        self._ahead = reading.wall - reading.steady
        return reading

    def _read(self) -> ClockReading:
        for _ in range(3):
            before, wall, after = self._steady_ns(), self._wall(), self._steady_ns()
            if after - before <= TOGETHER * NS_PER_MS:
                break
        return ClockReading(boot=self._boot, steady=after // NS_PER_MS, wall=wall)
