"""The OpenAPI 3.1 document of the API: addresses written by hand, schemas taken from the records themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from receiver.model.submissions import KEY as KEY_PATTERN
from receiver.model.submissions import KEY_LENGTH
from receiver.views.filters import DELIVERIES, EVENTS, JOBS, REQUESTS, TYPES, ListParameters
from receiver.views.schemas import components, id_schema, with_references
from receiver.web.api import openapi_examples as examples
from receiver.web.api.openapi_parts import (
    SCHEMAS,
    Json,
    answers,
    body,
    in_path,
    in_query,
    list_parameters,
    operation,
    refusals,
    refused_parameters,
    text,
)

TAGS: Final[dict[str, str]] = {
    "jobs": "Ordering, looking, picking and deciding.",
    "events": "What happened, as sinks are told it: CloudEvents.",
    "requests": "The webhooks that came in, as they came.",
    "deliveries": "Events on their way to sinks, and orders on their way to vendors.",
    "costs": "What is spent, reserved and left.",
    "pictures": "Our copies, or where none is kept the vendor's.",
    "document": "This document.",
}
DESCRIPTION: Final = """\
Jobs at AI image providers, and what is told of them.

Errors are problem details (RFC 9457) with a stable `code`. Lists are newest first: `next` of a page is the `cursor` of
the one that follows. JSON is RFC 8259, strictly, and an unknown key of a body or a query is refused (400).
"""
WAIT: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 86_400, "default": 0}
KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key returns the same job; with another order it is a conflict.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": KEY_PATTERN},
    "example": "order-4711",
}
#: The widths of previews, pixels.
PREVIEWS: Final = [400, 1200]
MAY_CONFLICT: Final = (400, 404, 409)
WITH_BODY: Final = (*MAY_CONFLICT, 413)


@cache
def document() -> Json:
    """The OpenAPI document of the API, as JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gridhook",
            "version": "1",
            "description": DESCRIPTION,
            "contact": {"name": "Whoever runs this gridhook"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api/v1", "description": "Here"}],
        "security": [{"adminToken": []}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": {**_jobs(), **_events(), **_requests(), **_deliveries(), **_costs(), **_pictures(), **_others()},
        "components": {
            "schemas": with_references(components(), SCHEMAS),
            "securitySchemes": {
                "adminToken": {"type": "http", "scheme": "bearer", "description": "`admin_token` under `[server]`."}
            },
        },
    }


def _jobs() -> Json:
    one = in_path("job_id", "job")
    return {
        "/jobs": {
            "get": _list("listJobs", "jobs", "Jobs, newest first", JOBS, "JobList"),
            "post": operation(
                "submitJob",
                "jobs",
                "Orders a job: it is kept at once, and ordered at its provider as soon as that can be",
                answers("202", "The job", "Job", *WITH_BODY),
                [KEY],
                body("Submission", examples.orders()),
            ),
        },
        "/jobs/{job_id}": {
            "get": operation(
                "getJob",
                "jobs",
                "A job; with `wait` it is answered once it is over, held or unsure, after at most 60 seconds",
                answers("200", "The job", "JobDetail", 400, 404),
                [one, in_query("wait", WAIT, "Seconds; more than 60 count as 60.")],
            )
        },
        "/jobs/{job_id}/pick": {
            "post": operation(
                "pickTile",
                "jobs",
                "Picks a tile of a completed grid; the same tile again returns the same job. If a question about the "
                "grid is open, this answers it; `job_id` may be the question's own, which takes one answer only",
                answers("202", "The planned job", "Job", *WITH_BODY),
                [one],
                body("Pick", examples.picks()),
            )
        },
        "/jobs/{job_id}/resolve": {
            "post": operation(
                "resolveJob",
                "jobs",
                "Decides on a job that is unsure or held. `check`: ask the vendor now, or judge a hold anew. `send`: "
                "order it whatever holds it; an unsure job may then be paid twice, a question takes its default. "
                "`give-up`: failed (a late result still completes it), or canceled if it was not ordered yet",
                answers("202", "The job", "Job", *WITH_BODY),
                [one],
                body("Resolve", examples.decisions()),
            )
        },
        "/jobs/{job_id}/cancel": {
            "post": operation(
                "cancelJob",
                "jobs",
                "Cancels a job that is not ordered yet; else its vendor is asked to stop it, and a later event tells",
                answers("202", "The job", "Job", *MAY_CONFLICT),
                [one],
            )
        },
    }


def _events() -> Json:
    last = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "Goes before `since`; what an EventSource sends by itself when it comes back.",
        "schema": id_schema("evt"),
    }
    parameters = [
        last,
        in_query("since", id_schema("evt"), "Begin after this event; without it, with the next one."),
        in_query("type", {"type": "string", "enum": list(TYPES)}, "Only events of this type."),
        in_query("source", text(), "Only events of this source."),
    ]
    stream = {
        "description": "`id`, `event` and `data` (the CloudEvent), until the caller goes",
        "content": {"text/event-stream": {}},
    }
    summary = "Events, newest first; `status` is their job's now"
    return {
        "/events": {"get": _list("listEvents", "events", summary, EVENTS, "EventList")},
        "/events/{event_id}": {
            "get": operation(
                "getEvent",
                "events",
                "An event, as sinks get it",
                answers("200", "The event", "Event", 400, 404),
                [in_path("event_id", "evt")],
            )
        },
        "/events/{event_id}/resend": {
            "post": operation(
                "resendEvent",
                "events",
                "Sends a kept event to a sink, whatever the rules say",
                answers("202", "The new delivery", "ListedDelivery", *WITH_BODY),
                [in_path("event_id", "evt")],
                body("Resend", examples.resends()),
            )
        },
        "/stream": {
            "get": operation(
                "stream",
                "events",
                "Events as they happen (server-sent events)",
                {"200": stream, **refusals(400, 401, 503)},
                parameters,
            )
        },
    }


def _requests() -> Json:
    one = in_path("request_id", "req")
    summary = "Inbound requests, newest first"
    return {
        "/requests": {"get": _list("listRequests", "requests", summary, REQUESTS, "RequestList")},
        "/requests/{request_id}": {
            "get": operation(
                "getRequest",
                "requests",
                "A request with headers and body",
                answers("200", "The request", "Request", 400, 404),
                [one],
            )
        },
        "/refused": {
            "get": operation(
                "listRefused",
                "requests",
                "Why the newest webhooks (200 at most) were refused, the latest first",
                answers("200", "The one page", "RefusedList", 400),
                refused_parameters(),
            )
        },
        "/requests/{request_id}/reparse": {
            "post": operation(
                "reparseRequest",
                "requests",
                "Reads a kept request once more with today's provider code; orders may follow from what is new",
                answers("200", "What became of it", "Taken", 403, *MAY_CONFLICT),
                [one],
            )
        },
    }


def _deliveries() -> Json:
    one = in_path("delivery_id", "dlv")
    summary = "Deliveries, newest first"
    return {
        "/deliveries": {"get": _list("listDeliveries", "deliveries", summary, DELIVERIES, "DeliveryList")},
        "/deliveries/{delivery_id}": {
            "get": operation(
                "getDelivery",
                "deliveries",
                "A delivery with its tries",
                answers("200", "The delivery", "Delivery", 400, 404),
                [one],
            )
        },
        "/deliveries/{delivery_id}/redeliver": {
            "post": operation(
                "redeliver",
                "deliveries",
                "Sends an event to its sink again; never an order",
                answers("202", "The delivery, due now", "ListedDelivery", *MAY_CONFLICT),
                [one],
            )
        },
        "/deliveries/{delivery_id}/leave": {
            "post": operation(
                "leaveDelivery",
                "deliveries",
                "Takes a dead letter out of the inbox: somebody saw it. It stays dead, and can still be redelivered",
                answers("200", "The delivery", "ListedDelivery", *MAY_CONFLICT),
                [one],
            )
        },
    }


def _costs() -> Json:
    moment = {"type": "string", "format": "date-time"}
    since = in_query("since", moment, "From this moment on; without it, since the month began in the `time_zone`.")
    return {
        "/costs": {
            "get": operation(
                "costs",
                "costs",
                "What orders cost by source, rule and day; the budgets, and the sources that take no orders, as of now",
                answers("200", "The costs", "Costs", 400),
                [since, in_query("until", moment, "Before this moment.")],
            )
        }
    }


def _pictures() -> Json:
    job = in_path("job", "job")
    index = {"type": "integer", "minimum": 0, "maximum": 999}
    link = "Of a signed link, which opens this one picture without a token."
    parameters = [
        job,
        {"name": "index", "in": "path", "required": True, "description": "0 is the grid.", "schema": index},
        in_query(
            "width", {"type": "integer", "enum": PREVIEWS}, "A preview (JPEG), pixels; left out: the file itself."
        ),
        in_query("until", {"type": "integer", "minimum": 0}, f"Unix seconds. {link}"),
        in_query("mac", text(), link),
    ]
    # What it is sent as is an image/*; some client generators know no other name for bytes than the second.
    content = {
        one: {"schema": {"type": "string", "format": "binary"}} for one in ("image/*", "application/octet-stream")
    }
    found = {"200": {"description": "The picture", "content": content}, **refusals(400, 401, 404, 410, 503)}
    summary = "A picture of a job; it stands beside the API, not below it"
    described = operation("getPicture", "pictures", summary, found, parameters)
    server = {"url": "/", "description": "Here"}
    return {
        "/pictures/{job}/{index}": {"get": {**described, "security": [{"adminToken": []}, {}], "servers": [server]}}
    }


def _others() -> Json:
    found = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    described = operation("openapi", "document", "This document; no token is needed", {"200": found, **refusals(400)})
    return {"/openapi.json": {"get": {**described, "security": []}}}


def _list(name: str, tag: str, summary: str, listing: ListParameters, record: str) -> dict[str, Any]:
    return operation(name, tag, summary, answers("200", "A page", record, 400), list_parameters(listing))
