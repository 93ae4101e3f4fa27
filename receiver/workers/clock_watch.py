"""Watches the clock: when it is set, what waits is moved along, and those who sleep by it are woken."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from receiver.contracts import Store, Transaction
from receiver.contracts.setup import Setup
from receiver.errors import StoreUnavailable
from receiver.flows.clock_jumps import SMALL, ClockJump, see_clock
from receiver.lib.steady_clock import ClockReading, SteadyClock
from receiver.lib.times import stamp

log = structlog.get_logger("clock")

#: Between two looks at the clocks, seconds.
EVERY: Final = 1.0
#: Between two readings that are kept, ms.
KEEP_EVERY: Final = 60_000
#: A look that comes so much later than the last one, ms: the machine slept, and timers did not go on.
SLEPT: Final = 5_000
#: After a jump so many looks see to what was written with a moment that was read before it.
SETTLING: Final = 3


class ClockWatch:
    """Lets a steady clock follow the wall clock, and tells the store of every jump."""

    def __init__(self, store: Store, setup: Setup, clock: SteadyClock) -> None:
        self._store = store
        self._setup = setup
        self._clock = clock
        self._kept = clock.follow()
        self._looked = self._kept
        self._settling = 0

    def adopt(self, setup: Setup) -> None:
        """Goes by another configuration from here on."""
        self._setup = setup

    async def start(self) -> None:
        """Sees how the clock stands since the last run, then begins to watch. Raises StoreUnavailable."""
        await self._see(self._clock.follow(), first=True)
        self._loop = asyncio.create_task(self._run(), name="clock")

    async def stop(self) -> None:
        """Ends, and keeps a last reading for the next run."""
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)
        try:
            await self._see(self._clock.follow())
        except StoreUnavailable as wrong:
            log.error("clock.waits", reason=str(wrong))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except StoreUnavailable as wrong:
                log.error("clock.waits", reason=str(wrong))
            except Exception as wrong:  # a fault here must not end the watch for good
                log.exception("clock.broke", error=repr(wrong))

    async def look(self) -> None:
        """One look at the clocks; writes if the clock was set, if the machine slept, or each minute.

        From here on everybody goes by the new time: what is written after this is written after what was moved.
        """
        jumped = abs(self._clock.off_by()) > SMALL
        reading = self._clock.follow()
        slept = reading.steady - self._looked.steady > SLEPT
        self._looked = reading
        if jumped or slept or self._settling or reading.steady - self._kept.steady >= KEEP_EVERY:
            await self._see(reading)

    async def _see(self, reading: ClockReading, *, first: bool = False) -> None:
        settling = self._settling > 0

        def work(tx: Transaction) -> ClockJump | None:
            if settling:
                tx.due_if_untried(reading.wall)
            return see_clock(tx, self._setup, reading, first=first)

        jump = await self._store.write(work)
        self._kept = reading
        self._settling = SETTLING if jump is not None else max(0, self._settling - 1)
        if jump is not None:
            log.warning("clock.set", now=stamp(reading.wall), **jump._asdict())
