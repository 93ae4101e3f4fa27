"""The intake where traces are wanted: the same, but that it notes when each step began and ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from receiver.contracts import Source, Store, Transaction
from receiver.contracts.setup import Setup
from receiver.contracts.store import Watch
from receiver.contracts.tracing import KeptWebhook, Tracer
from receiver.lib.times import Clock
from receiver.web.http.incoming import IncomingRequest
from receiver.web.http.replies import HttpReply
from receiver.web.ingest.endpoint import Ingest, IngestCounts
from receiver.web.ingest.refused import RefusedRequests

T = TypeVar("T")


class StepTimes:
    """When the steps of one webhook began and ended, Unix ns."""

    def __init__(self) -> None:
        self.started = self.commit_started = self.commit_ended = time.time_ns()


_STEPS: Final[ContextVar[StepTimes | None]] = ContextVar("steps", default=None)


class TimedStore:
    """A store that notes for the webhook at hand how long its write took."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.ref_key = store.ref_key
        self.clock = store.clock

    def leads(self) -> bool:
        """See `receiver.contracts.Store.leads`."""
        return self._store.leads()

    def life(self) -> int:
        """See `receiver.contracts.Store.life`."""
        return self._store.life()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """See `receiver.contracts.Store.write`."""
        steps = _STEPS.get()
        if steps is None:
            return await self._store.write(work)
        steps.commit_started = time.time_ns()
        try:
            return await self._store.write(work)
        finally:
            steps.commit_ended = time.time_ns()

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """See `receiver.contracts.Store.read`."""
        return await self._store.read(work)

    def watch(self) -> Watch:
        """See `receiver.contracts.Store.watch`."""
        return self._store.watch()


class TracedIngest(Ingest):
    """Tells a tracer of every webhook that is kept."""

    def __init__(
        self,
        store: Store,
        setup: Setup,
        clock: Clock,
        max_body: int,
        counts: IngestCounts,
        refused: RefusedRequests,
        tracer: Tracer,
    ) -> None:
        super().__init__(TimedStore(store), setup, clock, max_body, counts, refused)
        self._tracer = tracer

    async def answer(self, request: IncomingRequest) -> HttpReply:
        """See `Ingest.answer`."""
        _STEPS.set(StepTimes())
        return await super().answer(request)

    def _note(
        self,
        source: Source | None,
        outcome: str,
        request: IncomingRequest,
        started: int,
        *,
        request_id: str | None = None,
        events: int = 0,
        **more: Any,
    ) -> None:
        super()._note(source, outcome, request, started, request_id=request_id, events=events, **more)
        steps = _STEPS.get()
        if request_id is None or source is None or steps is None:
            return
        self._tracer.kept(
            KeptWebhook(
                request_id=request_id,
                source=source.name,
                outcome=outcome,
                events=events,
                started_at_ns=steps.started,
                ended_at_ns=time.time_ns(),
                commit_started_at_ns=steps.commit_started,
                commit_ended_at_ns=steps.commit_ended,
            )
        )
