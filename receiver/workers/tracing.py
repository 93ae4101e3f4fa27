"""OpenTelemetry: one trace from a webhook, over its commit and events, to the deliveries and orders that follow.

Ids of traces and spans are derived from the request's: whoever delivers, hours later or after a restart, finds the
trace that it belongs to by what the store keeps anyhow.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Mapping
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Final

import structlog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from receiver.contracts import Store, Transaction
from receiver.contracts.traces import TraceOrigin
from receiver.contracts.tracing import KeptWebhook
from receiver.errors import GridhookError
from receiver.lib import ids
from receiver.model.deliveries import Delivery

log = structlog.get_logger("tracing")

#: Outcomes that a trace shows as errors.
FAILED: Final = frozenset({"again", "dead", "refused", "not_accepted", "unsure"})
#: How long what is not exported yet may take at the end, seconds.
FLUSH_SECONDS: Final = 1.0


class DerivedIds(IdGenerator):
    """Ids of the spans that others name as their parent are derived, all others are random."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        #: Ids of the span that begins next.
        self.next_trace: int | None = None
        self.next_span: int | None = None

    def generate_trace_id(self) -> int:
        """The id of a trace."""
        taken, self.next_trace = self.next_trace, None
        return self._random.generate_trace_id() if taken is None else taken

    def generate_span_id(self) -> int:
        """The id of a span."""
        taken, self.next_span = self.next_span, None
        return self._random.generate_span_id() if taken is None else taken


class Tracing:
    """Makes spans of what is over already; they are exported by a thread of the SDK."""

    def __init__(self, store: Store, processor: SpanProcessor, env: Mapping[str, str]) -> None:
        """`processor` brings spans to where they go; `env` is where `OTEL_SERVICE_NAME` may stand."""
        facts: dict[str, str] = {"service.version": version("gridhook")}
        if not env.get("OTEL_SERVICE_NAME") and "service.name=" not in env.get("OTEL_RESOURCE_ATTRIBUTES", ""):
            facts["service.name"] = "gridhook"
        self._ids = DerivedIds()
        resource = Resource.create().merge(Resource(facts))
        self._provider = TracerProvider(id_generator=self._ids, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("gridhook")
        self._store = store
        self._looking: set[asyncio.Task[None]] = set()

    def kept(self, webhook: KeptWebhook) -> None:
        """Makes the spans of a webhook, of its commit, and soon those of its events."""
        number = ids.read("req", webhook.request_id)
        if number is None:
            return
        facts: dict[str, AttributeValue] = {
            "gridhook.source": webhook.source,
            "gridhook.request_id": webhook.request_id,
        }
        more: dict[str, AttributeValue] = {"gridhook.outcome": webhook.outcome, "gridhook.events": webhook.events}
        self._ids.next_trace, self._ids.next_span = trace_id(number), span_id("request", number)
        times = (webhook.started_at_ns, webhook.ended_at_ns)
        context = self._span(f"webhook {webhook.source}", SpanKind.SERVER, None, times, {**facts, **more})
        self._ids.next_span = span_id("commit", number)
        times = (webhook.commit_started_at_ns, webhook.commit_ended_at_ns)
        self._span("commit", SpanKind.INTERNAL, context, times, facts)
        if webhook.events:
            self._soon(self._tell_events(number, webhook.commit_ended_at_ns))

    def attempted(self, delivery: Delivery, outcome: str, started_at_ms: int, took_ms: int) -> None:
        """Makes the span of a try, as soon as it is known which webhook it follows from."""
        self._soon(self._attempted(delivery, outcome, started_at_ms, took_ms))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _tell_events(self, request: int, at_ns: int) -> None:
        """Makes a span of each event that a webhook made; it has no length, and what follows from it is below it."""
        try:
            events = await self._store.read(lambda tx: tx.events_made_with(request))
        except GridhookError as wrong:
            log.warning("tracing.lost", request_id=ids.show("req", request), reason=str(wrong))
            return
        commit = self._remote(request, span_id("commit", request))
        for event in events:
            facts: dict[str, AttributeValue] = {
                "gridhook.event_id": ids.show("evt", event.number),
                "gridhook.event_type": event.type,
                "gridhook.job_id": ids.show("job", event.job),
            }
            self._ids.next_span = span_id("event", event.number)
            self._span(f"event {event.type}", SpanKind.INTERNAL, commit, (at_ns, at_ns), facts)

    async def _attempted(self, delivery: Delivery, outcome: str, started_at_ms: int, took_ms: int) -> None:
        try:
            origin, event_type = await self._store.read(partial(_origin, delivery))
        except GridhookError as wrong:
            log.warning("tracing.lost", delivery_id=ids.show("dlv", delivery.number), reason=str(wrong))
            return
        kind = "order" if delivery.is_order else "delivery"
        facts: dict[str, AttributeValue] = {
            "gridhook.source" if delivery.is_order else "gridhook.sink": delivery.name,
            "gridhook.delivery_id": ids.show("dlv", delivery.number),
            "gridhook.attempt": delivery.attempt,
            "gridhook.outcome": outcome,
        }
        if delivery.event is not None:
            facts["gridhook.event_id"] = ids.show("evt", delivery.event)
            facts["gridhook.event_type"] = event_type or ""
        if delivery.job:
            facts["gridhook.job_id"] = ids.show("job", delivery.job)
        started = started_at_ms * 1_000_000
        times = (started, started + max(0, took_ms) * 1_000_000)
        parent = None if origin is None else self._parent(origin)
        self._span(f"{kind} {delivery.name}", SpanKind.CLIENT, parent, times, facts, is_error=outcome in FAILED)

    def _parent(self, origin: TraceOrigin) -> SpanContext:
        """The event that something follows from; of one that was made later than its request, the commit of that."""
        late = origin.event is None
        above = span_id("commit", origin.request) if late else span_id("event", origin.event or 0)
        return self._remote(origin.request, above)

    def _remote(self, request: int, span: int) -> SpanContext:
        """A span of a request's trace, as a parent. Whether it was sampled follows from its id, as it did then."""
        trace = trace_id(request)
        is_sampled = self._provider.sampler.should_sample(None, trace, "").decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
        return SpanContext(trace, span, is_remote=True, trace_flags=flags)

    def _span(
        self,
        name: str,
        kind: SpanKind,
        parent: SpanContext | None,
        times_ns: tuple[int, int],
        facts: Mapping[str, AttributeValue],
        *,
        is_error: bool = False,
    ) -> SpanContext:
        above = set_span_in_context(NonRecordingSpan(parent)) if parent is not None else None
        started, ended = times_ns
        span = self._tracer.start_span(name, above, kind, facts, start_time=started)
        if is_error:
            span.set_status(StatusCode.ERROR)
        span.end(max(started, ended))
        return span.get_span_context()

    async def stop(self) -> None:
        """Exports what there is, for a moment at most."""
        if self._looking:
            await asyncio.wait(self._looking, timeout=FLUSH_SECONDS)
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def end() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        # A collector that hangs must not hold the process up: its end does not wait for this thread.
        threading.Thread(target=end, name="tracing", daemon=True).start()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await ended.wait()
        except TimeoutError:
            log.warning("tracing.lost", reason="the collector did not take what was left in time")


def _origin(delivery: Delivery, tx: Transaction) -> tuple[TraceOrigin | None, str | None]:
    """What a delivery or order follows from, and the type of the event that is delivered."""
    event = delivery.event
    origin = tx.origin(delivery.job, delivery.number if event is None else event)
    return origin, None if event is None else tx.event_type(event)


def trace_id(request: int) -> int:
    """The trace of a request's number: 128 bits, not 0."""
    return int.from_bytes(_digest("trace", request)[:16], "big") or 1


def span_id(what: str, number: int) -> int:
    """The span of a request's number, of its commit, or of an event's number: 64 bits, not 0."""
    return int.from_bytes(_digest(what, number)[:8], "big") or 1


def _digest(what: str, number: int) -> bytes:
    return sha256(f"gridhook {what} {number}".encode()).digest()


def tracing_of(store: Store, env: Mapping[str, str]) -> Tracing:
    """Traces that go where the standard variables of OpenTelemetry say. Raises ImportError without the exporter."""
    return Tracing(store, BatchSpanProcessor(_exporter(env)), env)


def _exporter(env: Mapping[str, str]) -> SpanExporter:
    if env.get("OTEL_TRACES_EXPORTER") == "console":
        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # loads requests

    return OTLPSpanExporter()
