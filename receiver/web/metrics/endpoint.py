"""`/metrics`: counts webhooks, and answers with all numbers, to whoever may see the API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.config import Config
from receiver.contracts import HookedStore
from receiver.contracts.counts import AttemptCounts
from receiver.contracts.setup import Setup
from receiver.errors import StoreUnavailable
from receiver.lib.tallies import BitHistogram, Tally
from receiver.lib.times import Clock
from receiver.views.gauges import Gauges, gauges
from receiver.web.access import Access
from receiver.web.api.auth import Bearer
from receiver.web.http.load import ServerLoad
from receiver.web.metrics.families import counted, process_facts, replica_facts, stored
from receiver.web.pages.authentication.sessions import COOKIE, Sessions
from receiver.web.problems import problem

log = structlog.get_logger("web")

PATH: Final = "/metrics"


class Metrics:
    """`/metrics`. Labels are names of the configuration and words of ours, never what a caller sent."""

    def __init__(self, store: HookedStore, clock: Clock, load: ServerLoad, attempts: AttemptCounts) -> None:
        self._store = store
        self._clock = clock
        self._load = load
        self._attempts = attempts
        #: By source and outcome, by source and reason: every webhook passes here, so these are plain integers.
        self.requests = Tally()
        self.refused = Tally()
        self.request_ms = BitHistogram()
        #: When the last webhook of each source came, Unix ms, as far as it was ever seen here.
        self._webhooks: dict[str, int] = {}
        self._setup = Setup(sources={})
        self._sinks: tuple[str, ...] = ()
        self._one_at_a_time = asyncio.Lock()

    def adopt(self, config: Config, setup: Setup, access: Access, bearer: Bearer) -> None:
        """Goes by this configuration from here on."""
        self._setup = setup
        self._sinks = tuple(config.sinks)
        self._bearer = bearer
        self._sessions = Sessions(self._store, access.tokens)

    def routes(self) -> list[Route]:
        return [Route(PATH, self.metrics, methods=["GET"])]

    def count(self, source: str, outcome: str, took_ms: int) -> None:
        """Counts one webhook and how long its answer took. Called on the event loop only."""
        labels = (source, outcome)
        try:
            self.requests[labels] += 1
        except KeyError:
            self.requests[labels] = 1
        self.request_ms.add(took_ms)

    def count_refused(self, source: str, reason: str) -> None:
        """Counts one refused webhook. Called on the event loop only."""
        self.refused.add(source, reason)

    async def metrics(self, request: Request) -> Response:
        """All numbers, in the text format or that of OpenMetrics, to a token, a session, or this machine."""
        sender = request.client.host if request.client is not None else ""
        no = self._bearer.refusal(request.method, sender, request.headers.raw)
        if no is not None and not await self._is_signed_in(request):
            return problem(no.status, no.code, no.detail, no.headers)
        async with self._one_at_a_time:
            families = [*self._counted(), *stored(await self._gauges(), self._clock())]
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(Families(families))
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    async def _is_signed_in(self, request: Request) -> bool:
        cookie = request.cookies.get(COOKIE, "")
        if not cookie:
            return False
        try:
            keys = await self._sessions.keys()
        except StoreUnavailable:
            return False
        return self._sessions.role_of(keys, cookie, self._clock()) is not None

    def _counted(self) -> Iterable[Metric]:
        yield from process_facts(self._load, leads=self._store.leads())
        yield from replica_facts(self._store.replica())
        webhooks = (self.requests, self.refused, self.request_ms)
        yield from counted(*webhooks, self._attempts, self._store.counts, self._setup.sources, self._sinks)

    async def _gauges(self) -> Gauges | None:
        """What the store holds; None if it cannot be read."""
        setup, sinks, now = self._setup, self._sinks, self._clock()
        try:
            found = await self._store.read(lambda tx: gauges(tx, setup, sinks, now))
        except StoreUnavailable as wrong:
            log.error("store.unavailable", reason=str(wrong))
            return None
        self._webhooks |= found.webhooks
        known = {name: at for name, at in self._webhooks.items() if name in setup.sources}
        found.webhooks.update(known)
        return found


class Families:
    """Families that are made already, for a registry that asks for them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self._families
