"""One trace from a webhook to its delivery and to the order that follows, at a collector, over a kill and a restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from receiver.lib import ids
from receiver.pretend.loopback import serve
from receiver.pretend.receivers.post_collector import PostCollector
from receiver.workers.tracing import span_id, trace_id
from support.picks import pick, task_id, vendor_knowing
from support.server import AUTO_HD, JOURNEY, serving, until

TASK = task_id(1)
SINK = """
[sinks.backend]
handler = "webhook"
url = "{sink}/hooks"
secret = "whsec_a2lsbGVkLWJ1dC1ub3RoaW5nLWlzLWxvc3QtMDE="
retry = {retry}

[[rules]]
when = {{ type = "job.completed", action = "pick" }}
to = ["backend"]
"""


class SeenSpan(NamedTuple):
    """A span as it came to the collector."""

    name: str
    trace: int
    span: int
    parent: int
    facts: Mapping[str, str]


def spans(collector: PostCollector) -> list[SeenSpan]:
    """All that came; each batch is one post of the OTLP protocol."""
    batches = [ExportTraceServiceRequest.FromString(post.raw) for post in collector.posts]
    return [
        SeenSpan(
            span.name,
            int.from_bytes(span.trace_id, "big"),
            int.from_bytes(span.span_id, "big"),
            int.from_bytes(span.parent_span_id, "big"),
            {one.key: one.value.string_value for one in [*resource.resource.attributes, *span.attributes]},
        )
        for batch in batches
        for resource in batch.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def outcomes(collector: PostCollector, name: str) -> list[str]:
    return [span.facts["gridhook.outcome"] for span in spans(collector) if span.name == name]


def names(collector: PostCollector) -> set[str]:
    return {span.name for span in spans(collector)}


async def test_a_trace_goes_on_after_a_kill(tmp_path: Path) -> None:
    collector, sink, vendor = PostCollector(), PostCollector([503] * 99), vendor_knowing(TASK)
    async with serve(vendor.app) as at_vendor, serve(sink.app) as at_sink, serve(collector.app) as at_collector:
        toml = JOURNEY.format(vendor=at_vendor, more="") + SINK.format(sink=at_sink, retry=["1s"] * 19) + AUTO_HD
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": at_collector, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        async with serving(tmp_path, toml, env=env) as server:
            answer = await server.post("/in/journey", pick(TASK))
            await until(lambda: "again" in outcomes(collector, "delivery backend"), "a try that failed is seen")
            await until(lambda: outcomes(collector, "order journey") == ["accepted"], "the order is seen")
            await until(lambda: names(collector) >= {"webhook journey", "event job.completed"}, "both are seen")
            await server.kill9()
            sink.statuses.clear()
            await server.start()
            await until(lambda: "delivered" in outcomes(collector, "delivery backend"), "what arrived is seen")
    request = ids.read("req", answer.json()["request"])
    assert request is not None
    assert {post.path for post in collector.posts} == {"/v1/traces"}
    assert {post.headers["content-type"] for post in collector.posts} == {"application/x-protobuf"}
    seen = [span for span in spans(collector) if span.trace == trace_id(request)]
    assert {span.facts["service.name"] for span in seen} == {"gridhook"}
    commit = span_id("commit", request)
    (event,) = {span.facts["gridhook.event_id"] for span in seen if span.name == "delivery backend"}
    number = ids.read("evt", event)
    assert number is not None
    assert {(span.name, span.parent) for span in seen} == {
        ("webhook journey", 0),
        ("commit", span_id("request", request)),
        ("event job.completed", commit),
        ("delivery backend", span_id("event", number)),
        ("order journey", span_id("event", number)),
    }
    assert {span.facts.get("gridhook.event_type") for span in seen if span.name != "order journey"} == {
        None,
        "job.completed",
    }
    assert {post.headers["webhook-id"] for post in sink.posts} == {event}
    assert len({span.span for span in seen}) == len(seen), "each try is a span of its own"
