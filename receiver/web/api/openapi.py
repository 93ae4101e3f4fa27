"""The OpenAPI 3.1 document of the API: addresses written by hand, schemas taken from the records themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, get_args

import msgspec

from receiver.flows.commands import Decision, Submission
from receiver.flows.intake import IntakeResult
from receiver.model.events import Event
from receiver.model.jobs import Job
from receiver.views.costs import CostSummary
from receiver.views.records import (
    DeliveryDetail,
    DeliveryView,
    RequestDetail,
    RequestView,
)
from receiver.web.api.filters import (
    DELIVERIES,
    EVENTS,
    JOBS,
    REQUESTS,
    TYPES,
    ListParameters,
)
from receiver.web.api.openapi_parts import (
    Json,
    answers,
    body,
    id_schema,
    in_path,
    in_query,
    items,
    list_parameters,
    operation,
    ref,
    text,
)

RECORDS: Final = (
    Job,
    Event,
    DeliveryView,
    DeliveryDetail,
    RequestView,
    RequestDetail,
    IntakeResult,
    Submission,
    CostSummary,
)
PROBLEM: Final[Json] = {
    "type": "object",
    "description": "RFC 9457 problem details; `code` is stable.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "code", "detail"],
}
PICK: Final[Json] = {
    "type": "object",
    "properties": {"index": {"enum": [1, 2, 3, 4, "1", "2", "3", "4"]}},
    "required": ["index"],
    "additionalProperties": False,
}
RESOLVE: Final[Json] = {
    "type": "object",
    "properties": {
        "decision": {
            "enum": list(get_args(Decision)),
            "description": "`check`: ask the vendor now, or judge a hold anew. `send`: order it whatever holds it; an "
            "unsure job may then be paid twice. `give-up`: failed (a late result still completes it), or canceled if "
            "it was not ordered yet.",
        }
    },
    "required": ["decision"],
    "additionalProperties": False,
}
WAIT: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 86_400, "default": 0}


@cache
def document() -> Json:
    """The OpenAPI document of the API, as JSON."""
    _, schemas = msgspec.json.schema_components(RECORDS, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gridhook",
            "version": "1",
            "description": "Jobs at AI image providers, and what is told of them.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"adminToken": []}],
        "paths": {**_jobs(), **_events(), **_requests(), **_deliveries(), **_costs(), **_others()},
        "components": {
            "schemas": {**schemas, "Problem": PROBLEM},
            "securitySchemes": {"adminToken": {"type": "http", "scheme": "bearer"}},
        },
    }


def _jobs() -> Json:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key returns the same job; with another order it is a conflict.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    }
    one = in_path("job_id", "job")
    return {
        "/jobs": {
            "get": _list("listJobs", "Jobs, newest first", JOBS, "Job"),
            "post": operation(
                "submitJob",
                "Plans a job; it is ordered at its provider as soon as that can be",
                answers("202", "The job", ref("Job"), 400, 404, 409, 413),
                [key],
                body(ref("Submission")),
            ),
        },
        "/jobs/{job_id}": {
            "get": operation(
                "getJob",
                "A job; with `wait` it is answered once it is over, held or unsure, after at most 60 seconds",
                answers("200", "The job", ref("Job"), 400, 404),
                [one, in_query("wait", WAIT, "Seconds; more than 60 count as 60.")],
            )
        },
        "/jobs/{job_id}/pick": {
            "post": operation(
                "pickTile",
                "Plans the pick of a tile of a completed grid; the same pick again returns the same job",
                answers("202", "The planned job", ref("Job"), 400, 404, 409, 413),
                [one],
                body(PICK),
            )
        },
        "/jobs/{job_id}/resolve": {
            "post": operation(
                "resolveJob",
                "Decides on a job that is unsure or held",
                answers("202", "The job", ref("Job"), 400, 404, 409, 413),
                [one],
                body(RESOLVE),
            )
        },
        "/jobs/{job_id}/cancel": {
            "post": operation(
                "cancelJob",
                "Cancels a job that is not ordered yet; else its vendor is asked to stop it, and a later event tells",
                answers("202", "The job", ref("Job"), 400, 404, 409),
                [one],
            )
        },
    }


def _events() -> Json:
    found = answers("200", "The event", ref("Event"), 400, 404)
    return {
        "/events": {"get": _list("listEvents", "Events, newest first; `status` is their job's now", EVENTS, "Event")},
        "/events/{event_id}": {
            "get": operation("getEvent", "An event, as sinks get it", found, [in_path("event_id", "evt")])
        },
    }


def _requests() -> Json:
    one = in_path("request_id", "req")
    found = answers("200", "The request", ref("RequestDetail"), 400, 404)
    taken = answers("200", "What became of it", ref("IntakeResult"), 400, 404, 409)
    summary = "Reads a kept request once more with today's provider code"
    return {
        "/requests": {"get": _list("listRequests", "Inbound requests, newest first", REQUESTS, "RequestView")},
        "/requests/{request_id}": {"get": operation("getRequest", "A request with headers and body", found, [one])},
        "/requests/{request_id}/reparse": {"post": operation("reparseRequest", summary, taken, [one])},
    }


def _deliveries() -> Json:
    one = in_path("delivery_id", "dlv")
    found = answers("200", "The delivery", ref("DeliveryDetail"), 400, 404)
    again = answers("202", "The delivery, due now", ref("DeliveryView"), 400, 404, 409)
    return {
        "/deliveries": {"get": _list("listDeliveries", "Deliveries, newest first", DELIVERIES, "DeliveryView")},
        "/deliveries/{delivery_id}": {"get": operation("getDelivery", "A delivery with its tries", found, [one])},
        "/deliveries/{delivery_id}/redeliver": {
            "post": operation("redeliver", "Sends an event to its sink again; never an order", again, [one])
        },
    }


def _costs() -> Json:
    moment = {"type": "string", "format": "date-time"}
    since = in_query("since", moment, "From this moment on; without it, since the month began in the `time_zone`.")
    found = answers("200", "The costs", ref("CostSummary"), 400)
    summary = "What orders cost by source, rule and day; the budgets, and the sources that take no orders, as of now"
    return {
        "/costs": {"get": operation("costs", summary, found, [since, in_query("until", moment, "Before this moment.")])}
    }


def _others() -> Json:
    last = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "Goes before `since`; what an EventSource sends by itself when it comes back.",
        "schema": id_schema("evt"),
    }
    parameters = [
        last,
        in_query("since", id_schema("evt"), "Begin after this event; without it, with the next one."),
        in_query("type", {"enum": list(TYPES)}, "Only events of this type."),
        in_query("source", text(), "Only events of this source."),
    ]
    stream = {"description": "`id`, `event` and `data` (the CloudEvent)", "content": {"text/event-stream": {}}}
    return {
        "/stream": {
            "get": operation(
                "stream", "Events as they happen (server-sent events)", {"200": stream, **_refusals_alone()}, parameters
            )
        },
        "/openapi.json": {
            "get": operation("openapi", "This document", answers("200", "This document", {"type": "object"}))
        },
    }


def _refusals_alone() -> Json:
    return {name: value for name, value in answers("200", "", {}, 400).items() if name != "200"}


def _list(name: str, summary: str, listing: ListParameters, record: str) -> dict[str, Any]:
    return operation(name, summary, answers("200", "A page", items(record), 400), list_parameters(listing))
