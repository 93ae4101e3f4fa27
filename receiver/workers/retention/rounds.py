"""What is taken away is taken away in rounds: soon after the start, then every hour, while the clock can be trusted."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import structlog

from receiver.errors import StoreUnavailable
from receiver.lib.times import Clock

log = structlog.get_logger("retention")

#: From the start to the first round, and between rounds, seconds.
FIRST: Final = 1.0
EVERY: Final = 3600.0
#: A clock that leaps ahead by more than this between two rounds (ms) may be set back soon: so many are left out.
LEAP: Final = 86_400_000
LEFT_OUT: Final = 24


class RetentionRounds(ABC):
    """Goes round until it is stopped."""

    def __init__(self, clock: Clock, *, first: float = FIRST, leads: Callable[[], bool] = lambda: True) -> None:
        """`first`: seconds until the first round; `leads`: whether it is this process that goes round."""
        self._leads = leads
        self._clock = clock
        self._first = first
        #: When it last was time for a round, Unix ms, and how many are left out from there.
        self._turn_at: int | None = None
        self._left_out = 0

    def start(self) -> None:
        """Begins."""
        self._loop = asyncio.create_task(self._run(), name="retention")

    async def stop(self) -> None:
        """Ends, between two steps."""
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    @abstractmethod
    async def tidy(self) -> object:
        """One round; returns what it took away. Raises StoreUnavailable, OSError."""

    async def _run(self) -> None:
        wait = self._first
        while True:
            await asyncio.sleep(wait)
            wait = EVERY
            try:
                if self._leads() and self._is_trusted():
                    await self.tidy()
            except (StoreUnavailable, OSError) as wrong:
                log.error("retention.waits", reason=str(wrong))
            except Exception as wrong:  # a fault here must not end the retention for good
                log.exception("retention.broke", error=repr(wrong))

    def _is_trusted(self) -> bool:
        """Whether the clock may be gone by: what is taken away because of a wrong one does not come back."""
        now = self._clock()
        if self._turn_at is not None and now - self._turn_at > LEAP:
            self._left_out = LEFT_OUT
            log.warning("retention.waits", reason="the clock was set ahead", passes=LEFT_OUT)
        self._turn_at = now
        self._left_out = max(0, self._left_out - 1)
        return self._left_out == 0
