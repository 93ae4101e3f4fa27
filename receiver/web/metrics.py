"""`/metrics`: counters and gauges in the format of Prometheus."""

from __future__ import annotations

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Counts, Store
from receiver.errors import StoreUnavailable

log = structlog.get_logger("web")


class Metrics:
    """`/metrics`. Labels are names of the configuration and words of ours, never what a caller sent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._registry = CollectorRegistry()
        #: Webhooks since the numbers were last shown: every one passes here, and a counter's lock costs more than this.
        self._counted: dict[tuple[str, str], int] = {}
        self._requests = Counter(
            "gridhook_requests", "Webhooks by what became of them.", ["source", "outcome"], registry=self._registry
        )
        self._deliveries = Gauge(
            "gridhook_deliveries", "Deliveries that wait, run or were given up.", ["state"], registry=self._registry
        )
        self._jobs = Gauge(
            "gridhook_jobs_open", "Jobs that are not over.", ["source", "status"], registry=self._registry
        )
        self._up = Gauge("gridhook_store_up", "1 if the store could be read just now.", registry=self._registry)

    def routes(self) -> list[Route]:
        return [Route("/metrics", self.metrics, methods=["GET"])]

    def count(self, source: str, outcome: str) -> None:
        """Counts one webhook. Called on the event loop only."""
        try:
            self._counted[source, outcome] += 1
        except KeyError:
            self._counted[source, outcome] = 1
            # A counter is as old as the first that it counts.
            self._requests.labels(source, outcome)

    async def metrics(self, _request: Request) -> Response:
        """All numbers in the text format; what waits is counted in the store right now."""
        try:
            counts = await self._store.read(lambda tx: tx.counts())
        except StoreUnavailable as wrong:
            log.error("store.unavailable", reason=str(wrong))
            counts = None
        self._show_counted()
        self._show(counts)
        return Response(generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_LATEST})

    def _show_counted(self) -> None:
        for (source, outcome), number in self._counted.items():
            self._requests.labels(source, outcome).inc(number)
            self._counted[source, outcome] = 0

    def _show(self, counts: Counts | None) -> None:
        self._up.set(0 if counts is None else 1)
        self._deliveries.clear()
        self._jobs.clear()
        if counts is None:
            return
        for state, number in counts.deliveries.items():
            self._deliveries.labels(state).set(number)
        for (source, status), number in counts.jobs.items():
            self._jobs.labels(source, status).set(number)
