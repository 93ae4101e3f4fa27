"""How sources and sinks do, whether webhooks are set up, and looking after what must be reached."""

from __future__ import annotations

from typing import Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.composition import Outside
from receiver.config import Config
from receiver.contracts import Transaction
from receiver.errors import NotFound
from receiver.lib import ids
from receiver.lib.ids import Ids
from receiver.lib.times import stamp
from receiver.model.deliveries import Delivered
from receiver.model.samples import sample_event
from receiver.views.health import LOOKED_AT, HealthReport, SinkHealth, SourceHealth, health, last_webhooks
from receiver.views.registration import Registration, registration
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import Desk
from receiver.web.pages.forms import Form
from receiver.web.pages.health.concerns import concerns
from receiver.web.pages.health.sparklines import Sparkline, bars, sparkline
from receiver.web.problems import Refusal
from receiver.workers.checks.doctor import Diagnosis, diagnose
from receiver.workers.checks.sample_delivery import deliver_sample

Dot = Literal["ok", "wait", "bad"]


class SourceCard(NamedTuple):
    """A source with its curves."""

    health: SourceHealth
    dot: Dot
    curve: Sparkline
    bars: str


class SinkRow(NamedTuple):
    """A sink with its curve."""

    health: SinkHealth
    dot: Dot
    curve: Sparkline


class HookSetup(NamedTuple):
    """Whether a source's webhooks come, and what to register for them."""

    name: str
    registration: Registration
    #: RFC 3339; None = none came lately.
    last: str | None
    #: Why the newest refused one of it was refused; None = none was.
    refused: str | None
    #: False if there are more requests than were looked at, so that an older one may have come.
    is_sure: bool

    @property
    def is_lit(self) -> bool:
        """Whether its light is on: a webhook came."""
        return self.last is not None


class HealthPage:
    """`/health`."""

    def __init__(
        self, desk: Desk, visits: Visits, config: Config, refused: RefusedRequests, outside: Outside | None
    ) -> None:
        self._desk = desk
        self._visits = visits
        self._config = config
        self._refused = refused
        self._outside = outside

    def routes(self) -> list[Route]:
        reading, acting = self._visits.reading, self._visits.acting
        return [
            Route("/health", reading(self.health), methods=["GET"]),
            Route("/health/hooks/{source}", reading(self.hook), methods=["GET"]),
            Route("/sinks/{sink}/test", acting(self.test), methods=["POST"]),
            Route("/doctor", acting(self.doctor), methods=["POST"]),
        ]

    async def health(self, _request: Request, visitor: Visitor) -> Response:
        """The page."""
        return await self._page(visitor)

    async def hook(self, request: Request, visitor: Visitor) -> Response:
        """Whether the webhooks of one source come, as a part of the page."""
        wanted = request.path_params["source"]
        if wanted not in self._desk.setup.sources:
            raise NotFound(f"there is no source {wanted[:40]!r}")
        found, above = await self._desk.look(_hooks_heard)
        (setup,) = [one for one in await self._hooks(*found) if one.name == wanted]
        return await self._desk.show("parts/hook.html", visitor, above, hook=setup)

    async def test(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Sends a sample event to a sink, marked as a test; nothing is kept of it."""
        name = request.path_params["sink"]
        sink = self._config.sinks.get(name)
        if sink is None:
            raise NotFound(f"there is no sink {name[:40]!r}")
        now = self._desk.clock()
        made = Ids(self._desk.clock)
        event = sample_event(ids.show("evt", made.next()), ids.show("job", made.next()), stamp(now))
        async with self._out().open_context(self._config, sink) as context:
            outcome = await deliver_sample(sink, event, context)
        is_well = isinstance(outcome, Delivered)
        said = f"{name} took the test" if is_well else f"{name} did not take the test: {outcome.note or 'it said no'}"
        return await self._page(visitor, told=Diagnosis(what=name, verdict="ok" if is_well else "bad", said=said))

    async def doctor(self, _request: Request, visitor: Visitor, _form: Form) -> Response:
        """Asks for all that must be reached, and tells what came of it."""
        desk, out = self._desk, self._out()
        async with out.open_transport(self._config) as transport:
            found = await diagnose(desk.store, desk.setup, self._config, transport, out.open_context, desk.clock)
        return await self._page(visitor, diagnoses=found)

    def _out(self) -> Outside:
        if self._outside is None:
            raise Refusal(404, "not_found", "this server makes no calls out")
        return self._outside

    async def _page(
        self, visitor: Visitor, *, diagnoses: tuple[Diagnosis, ...] = (), told: Diagnosis | None = None
    ) -> Response:
        desk, now = self._desk, self._desk.clock()
        sinks = list(self._config.sinks.values())

        def work(tx: Transaction) -> tuple[HealthReport, dict[str, int], bool]:
            return health(tx, desk.setup, sinks, now), *_hooks_heard(tx)

        (found, heard, is_sure), above = await desk.look(work)
        return await desk.show(
            "health.html",
            visitor,
            above,
            health=found,
            concerns=concerns(found, above),
            cards=[_card(one) for one in found.sources],
            rows=[_row(one) for one in found.sinks],
            hooks=await self._hooks(heard, is_sure),
            diagnoses=diagnoses,
            told=told,
            can_call=self._outside is not None,
        )

    async def _hooks(self, heard: dict[str, int], is_sure: bool) -> list[HookSetup]:
        refused: dict[str | None, str] = {}
        for one in await self._refused.newest():
            # Who looks at the address with a browser, or as doctor does, says nothing of webhooks.
            if one.reason != "method_not_allowed":
                refused.setdefault(one.source, one.reason)
        return [
            HookSetup(
                name=name,
                registration=registration(source, self._config.public_url),
                last=stamp(heard[name]) if name in heard else None,
                refused=refused.get(name),
                is_sure=is_sure,
            )
            for name, source in self._desk.setup.sources.items()
            if source.webhooks
        ]


def _hooks_heard(tx: Transaction) -> tuple[dict[str, int], bool]:
    """When the last webhook of each source came, and whether that is known for sure of those that are not there."""
    traces = tx.request_traces(LOOKED_AT)
    return last_webhooks(traces), len(traces) < LOOKED_AT


def _card(source: SourceHealth) -> SourceCard:
    is_stopped = source.stopped is not None or source.paused_until is not None
    dot: Dot = "bad" if is_stopped else "wait" if source.missing is not None else "ok"
    return SourceCard(source, dot, sparkline(source.curve), bars(source.counts))


def _row(sink: SinkHealth) -> SinkRow:
    dot: Dot = "bad" if sink.paused_until is not None else "wait" if sink.failures else "ok"
    return SinkRow(sink, dot, sparkline(sink.curve))
