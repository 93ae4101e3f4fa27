"""`/metrics`: counters and gauges in the format of Prometheus."""

from __future__ import annotations

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Counts, Store
from receiver.errors import StoreUnavailable
from receiver.web.http.load import ServerLoad

log = structlog.get_logger("web")


class Metrics:
    """`/metrics`. Labels are names of the configuration and words of ours, never what a caller sent."""

    def __init__(self, store: Store, load: ServerLoad) -> None:
        self._store = store
        self._load = load
        self._registry = CollectorRegistry()
        #: Webhooks since the numbers were last shown: every one passes here, and a counter's lock costs more than this.
        self._counted: dict[tuple[str, str], int] = {}
        self._requests = Counter(
            "gridhook_requests", "Webhooks by what became of them.", ["source", "outcome"], registry=self._registry
        )
        self._refused = Counter(
            "gridhook_requests_refused",
            "Webhooks by why they were refused.",
            ["source", "reason"],
            registry=self._registry,
        )
        self._deliveries = Gauge(
            "gridhook_deliveries", "Deliveries that wait, run or were given up.", ["status"], registry=self._registry
        )
        self._jobs = Gauge(
            "gridhook_jobs_open", "Jobs that are not over.", ["source", "status"], registry=self._registry
        )
        self._warnings = Gauge(
            "gridhook_job_warnings", "Jobs that ended with a warning.", ["source", "warning"], registry=self._registry
        )
        self._wal = Gauge(
            "gridhook_wal_bytes", "Size of the -wal: it grows while a reader stands open.", registry=self._registry
        )
        self._show_load()
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

    def count_refused(self, source: str, reason: str) -> None:
        """Counts one refused webhook. Called on the event loop only."""
        self._refused.labels(source, reason).inc()

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

    def _show_load(self) -> None:
        """What the connections hold, looked up whenever the numbers are asked for."""
        load = self._load
        open_ones = Gauge("gridhook_connections", "Open connections.", registry=self._registry)
        open_ones.set_function(lambda: len(load.connections))
        unread = Gauge("gridhook_unread_bytes", "Held of requests that are not answered yet.", registry=self._registry)
        unread.set_function(lambda: load.unread)
        full = Gauge(
            "gridhook_connections_full",
            "Since the start: connections refused (refused) or closed for others (made_way), requests refused (busy), "
            "since there was no room for them.",
            ["what"],
            registry=self._registry,
        )
        full.labels("refused").set_function(lambda: load.turned_away)
        full.labels("made_way").set_function(lambda: load.made_way)
        full.labels("busy").set_function(lambda: load.overloaded)
        ProcessCollector(registry=self._registry)

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
        self._wal.set(counts.wal_bytes or 0)
        for status, number in counts.deliveries.items():
            if status == "unseen":  # a part of the dead ones
                continue
            self._deliveries.labels(status).set(number)
        for (source, status), number in counts.jobs.items():
            self._jobs.labels(source, status).set(number)
        for (source, warning), number in counts.warnings.items():
            self._warnings.labels(source, warning).set(number)
