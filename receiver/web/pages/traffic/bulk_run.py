"""Something done to many kept things beside everything else: one run at a time, which tells how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import structlog

from receiver.errors import GridhookError

log = structlog.get_logger("web")


class BatchResult(NamedTuple):
    """What came of some of them."""

    #: What was made of them: events or deliveries.
    made: int
    #: How many it could not be done to.
    failed: int = 0


#: Does it to those with these numbers.
BatchWork = Callable[[Sequence[int]], Awaitable[BatchResult]]


class BulkRun:
    """A run over many things, a batch after the other; a server that stops ends it between two of them."""

    def __init__(self, name: str, stopping: asyncio.Event) -> None:
        """`name` is what the log calls a run that is over."""
        self._name = name
        self._stopping = stopping
        self.total = 0
        self.done = 0
        #: Events or deliveries that were made.
        self.made = 0
        #: How many it could not be done to: what they belong to is gone, or the store took nothing.
        self.failed = 0
        #: What the run is for, in words; empty = nothing to add.
        self.about = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is something left to do."""
        return self._task is not None and not self._task.done()

    def start(self, numbers: Sequence[int], work: BatchWork, batch: int = 1, about: str = "") -> bool:
        """Begins with these, `batch` at a time and in this order; False if a run is under way."""
        if self.is_running:
            return False
        self.total, self.done, self.made, self.failed, self.about = len(numbers), 0, 0, 0, about
        batches = [numbers[start : start + batch] for start in range(0, len(numbers), batch)]
        self._task = asyncio.get_running_loop().create_task(self._run(batches, work))
        return True

    async def _run(self, batches: Sequence[Sequence[int]], work: BatchWork) -> None:
        for some in batches:
            if self._stopping.is_set():
                break
            try:
                result = await work(some)
            except GridhookError as wrong:
                log.warning(f"{self._name}_failed", reason=str(wrong))
                result = BatchResult(made=0, failed=len(some))
            self.done += len(some)
            self.made += result.made
            self.failed += result.failed
        log.info(self._name, done=self.done, made=self.made, failed=self.failed)
