"""Traces: from a webhook over its commit to what follows from it, by ids that anybody derives anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from receiver.contracts import Filters, Transaction
from receiver.lib import ids
from receiver.model.deliveries import Delivery
from receiver.model.events import KeptEvent
from receiver.web.application import Application, application
from receiver.web.ingest.endpoint import Ingest
from receiver.web.ingest.traced import TracedIngest
from receiver.workers.tracing import Tracing, span_id, trace_id
from support.face import GRID, Face, a_face
from support.records import NOW
from support.world import PICKED

#: The span of the event that a finished job makes.
EVENT = "event job.completed"


class Traced:
    """A face whose webhooks are traced, and the spans that came of it."""

    def __init__(self, face: Face, env: dict[str, str] | None = None) -> None:
        self.face = face
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing(face.store, SimpleSpanProcessor(self.exporter), env or {})
        self.app: Application = application(face.store, face.setup, face.config, face.app._clock, tracer=self.tracing)
        face.client._transport.app = self.app  # type: ignore[attr-defined]

    async def attempt(self, delivery: Delivery, outcome: str) -> None:
        """A try that has ended, and its span."""
        self.tracing.attempted(delivery, outcome, NOW, 20)
        await self.settle()

    async def settle(self) -> None:
        """Waits until nothing is looked up for a span any more."""
        await asyncio.gather(*self.tracing._looking)

    def spans(self) -> dict[str, ReadableSpan]:
        """All spans by name."""
        return {span.name: span for span in self.exporter.get_finished_spans()}


@asynccontextmanager
async def traced(folder: Path, env: dict[str, str] | None = None) -> AsyncIterator[Traced]:
    """A face that makes traces."""
    async with a_face(folder) as face:
        yield Traced(face, env)


def waiting(tx: Transaction) -> dict[str, Delivery]:
    """One delivery of each lane."""
    return {one.lane: one for one in tx.deliveries(Filters(limit=100))}


async def test_a_webhook_its_commit_and_what_follows_are_one_trace(tmp_path: Path) -> None:
    async with traced(tmp_path) as here:
        answer = await here.face.post(PICKED)
        request = ids.read("req", answer.json()["request"])
        assert request is not None
        found = await here.face.store.read(waiting)
        await here.attempt(found["sink:team"], "delivered")
        await here.attempt(found["order:journey"], "unsure")
        event = found["sink:team"].event
        assert event is not None
        spans = here.spans()
        assert spans.keys() == {"webhook journey", "commit", EVENT, "delivery team", "order journey"}
        contexts = {name: span.get_span_context() for name, span in spans.items()}
        assert {one.trace_id for one in contexts.values() if one is not None} == {trace_id(request)}
        assert spans["webhook journey"].parent is None
        parents = {name: span.parent.span_id for name, span in spans.items() if span.parent is not None}
        assert parents == {
            "commit": span_id("request", request),
            EVENT: span_id("commit", request),
            "delivery team": span_id("event", event),
            "order journey": span_id("event", event),
        }
        for name in (EVENT, "delivery team"):
            facts = spans[name].attributes or {}
            assert facts["gridhook.event_id"] == ids.show("evt", event)
            assert facts["gridhook.event_type"] == "job.completed"
        assert [name for name, span in spans.items() if span.status.status_code is StatusCode.ERROR] == [
            "order journey"
        ]


async def test_spans_tell_ids_and_no_secret(tmp_path: Path) -> None:
    async with traced(tmp_path) as here:
        await here.face.post(GRID)
        await here.face.post(GRID, headers={})
        await here.settle()
        spans = here.spans()
        assert spans.keys() == {"webhook journey", "commit", EVENT}, "what is refused makes no trace"
        webhook, commit = spans["webhook journey"], spans["commit"]
        assert dict(webhook.attributes or {}).keys() == {
            "gridhook.source",
            "gridhook.request_id",
            "gridhook.outcome",
            "gridhook.events",
        }
        assert "hook-secret" not in webhook.to_json() + commit.to_json()
        assert webhook.start_time is not None
        assert commit.start_time is not None
        assert commit.end_time is not None
        assert webhook.end_time is not None
        assert webhook.start_time <= commit.start_time <= commit.end_time <= webhook.end_time


async def test_what_was_made_later_than_its_request_is_below_the_commit(tmp_path: Path) -> None:
    async with traced(tmp_path) as here:
        request = ids.read("req", (await here.face.post(PICKED)).json()["request"])
        assert request is not None
        found = (await here.face.store.read(waiting))["sink:team"]
        kept = await here.face.store.read(lambda tx: tx.job(found.job))
        assert kept is not None
        number = request + (1 << 40)
        late = KeptEvent(
            number=number, job=found.job, type="job.updated", key=9, at=NOW, request=request, data=kept.job
        )
        await here.face.store.write(lambda tx: tx.add_event(late))
        await here.attempt(msgspec.structs.replace(found, event=number), "delivered")
        parent = here.spans()["delivery team"].parent
        assert parent is not None
        assert parent.span_id == span_id("commit", request)
        made = await here.face.store.read(lambda tx: tx.events_made_with(request))
        assert [(one.type, one.job) for one in made] == [("job.completed", found.job)]


async def test_what_no_webhook_led_to_has_a_trace_of_its_own(tmp_path: Path) -> None:
    async with traced(tmp_path) as here:
        await here.face.submit()
        found = await here.face.store.read(waiting)
        await here.attempt(found["order:journey"], "accepted")
        order = here.spans()["order journey"]
        assert order.parent is None
        assert order.attributes is not None
        assert order.attributes["gridhook.outcome"] == "accepted"


@pytest.mark.parametrize(("env", "name"), [({}, "gridhook"), ({"OTEL_SERVICE_NAME": "hooks"}, "hooks")])
async def test_the_service_has_the_name_that_is_wished(
    tmp_path: Path, env: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    async with traced(tmp_path, env) as here:
        await here.face.post(GRID)
        assert here.spans()["commit"].resource.attributes["service.name"] == name


async def test_a_trace_that_is_not_sampled_is_so_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    async with traced(tmp_path) as here:
        await here.face.post(PICKED)
        found = await here.face.store.read(waiting)
        await here.attempt(found["sink:team"], "delivered")
        assert here.spans() == {}


async def test_the_end_brings_away_what_there_is(tmp_path: Path) -> None:
    async with traced(tmp_path) as here:
        await here.face.post(PICKED)
        found = await here.face.store.read(waiting)
        here.tracing.attempted(found["sink:team"], "delivered", NOW, 20)
        await here.tracing.stop()
        assert "delivery team" in here.spans()


async def test_without_a_tracer_webhooks_take_the_usual_way(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        assert type(face.app.ingest) is Ingest
    async with traced(tmp_path) as here:
        assert type(here.app.ingest) is TracedIngest
