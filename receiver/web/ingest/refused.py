"""Requests that were refused: the newest are kept, and all are told in the log, floods of them summed up."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import structlog

from receiver.contracts import Store
from receiver.contracts.setup import Setup
from receiver.errors import StoreUnavailable
from receiver.flows.operator.refused_requests import KEPT, keep_refused
from receiver.lib.times import Clock
from receiver.model.requests import RefusedRequest
from receiver.web.ingest.bursts import Bursts

log = structlog.get_logger("ingest")

#: A source has one line in the log in so many seconds, and what was refused is kept so often at most.
LINE_SECONDS: Final = 1.0
KEEP_SECONDS: Final = 1.0
#: Of a sender's header names that many are kept, each of at most so many characters.
MOST_NAMES: Final = 50
NAME_LENGTH: Final = 60


class RefusedRequests:
    """Keeps the newest refused requests, writes their lines in the log, and has bursts told.

    Strangers can make any number of them: what is held is bounded, and the store is written once a second at most.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._setup = Setup(sources={})
        self._bursts = Bursts()
        #: Those that are not kept yet, the latest last, and how many came before them.
        self._unkept: deque[RefusedRequest] = deque(maxlen=KEPT)
        self._skipped = 0
        self._one_at_a_time = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        #: By source: how many were refused, for which reasons, since its last line.
        self._silent: dict[str | None, dict[str, int]] = {}

    def adopt(self, setup: Setup) -> None:
        """Goes by this configuration from here on."""
        self._setup = setup

    async def newest(self) -> list[RefusedRequest]:
        """The newest, the latest first. Raises StoreUnavailable."""
        async with self._one_at_a_time:
            kept = await self._store.read(lambda tx: tx.refused())
            return [*reversed(self._unkept), *(one for _, one in kept)][:KEPT]

    def add(self, source: str | None, reason: str, sender: str, names: list[str], *, is_unverified: bool) -> bool:
        """Takes one; True if its line is due now, else it will be part of a sum."""
        now = self._clock()
        short = tuple(name[:NAME_LENGTH] for name in names[:MOST_NAMES])
        if len(self._unkept) == KEPT:
            self._skipped += 1
        self._unkept.append(RefusedRequest(at=now, source=source, reason=reason, sender=sender, headers=short))
        if is_unverified and source is not None:
            self._bursts.add(source, reason, sender, now)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep_all())
        reasons = self._silent.get(source)
        if reasons is None:
            self._be_silent(source)
            return True
        reasons[reason] = reasons.get(reason, 0) + 1
        return False

    async def _keep_all(self) -> None:
        """Keeps what came, and what comes meanwhile. What cannot be kept now is tried again."""
        while self._unkept:
            await self._keep()
            await asyncio.sleep(KEEP_SECONDS)

    async def _keep(self) -> None:
        async with self._one_at_a_time:
            setup, bursts, now = self._setup, self._bursts.due(), self._clock()
            taken, skipped = list(self._unkept), self._skipped
            self._unkept.clear()
            self._skipped = 0
            try:
                await self._store.write(lambda tx: keep_refused(tx, setup, taken, skipped, bursts, now))
            except StoreUnavailable:
                together = [*taken, *self._unkept]
                self._skipped += skipped + max(0, len(together) - KEPT)
                self._unkept = deque(together, maxlen=KEPT)

    def _be_silent(self, source: str | None) -> None:
        self._silent[source] = {}
        asyncio.get_running_loop().call_later(LINE_SECONDS, self._sum_up, source)

    def _sum_up(self, source: str | None) -> None:
        reasons = self._silent.pop(source)
        if reasons:
            self._be_silent(source)
            log.info("requests.refused", source=source, number=sum(reasons.values()), reasons=reasons)
