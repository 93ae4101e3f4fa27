"""Kept requests read again, many of them beside everything else: one run at a time, which tells how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from receiver.contracts import Store
from receiver.contracts.setup import Setup
from receiver.errors import GridhookError
from receiver.flows.intake import reparse
from receiver.lib.times import Clock

log = structlog.get_logger("web")


class Rereading:
    """A run over many requests; a server that stops ends it between two of them."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self.total = 0
        self.done = 0
        #: Events that were made.
        self.events = 0
        #: Requests that could not be read again: their sources are gone, or the store took nothing.
        self.failed = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is something left to read."""
        return self._task is not None and not self._task.done()

    def start(self, store: Store, setup: Setup, clock: Clock, numbers: Sequence[int]) -> bool:
        """Begins with these requests, in this order; False if a run is under way."""
        if self.is_running:
            return False
        self.total, self.done, self.events, self.failed = len(numbers), 0, 0, 0
        self._task = asyncio.get_running_loop().create_task(self._run(store, setup, clock, numbers))
        return True

    async def _run(self, store: Store, setup: Setup, clock: Clock, numbers: Sequence[int]) -> None:
        for number in numbers:
            if self._stopping.is_set():
                break
            try:
                taken = await reparse(store, setup, number, clock())
            except GridhookError as wrong:
                log.warning("page.not_reparsed", reason=str(wrong))
                taken = None
            self.done += 1
            if taken is None:
                self.failed += 1
            else:
                self.events += taken.events
        log.info("page.reparsed", requests=self.done, events=self.events, failed=self.failed)
