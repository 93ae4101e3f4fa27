"""The pieces that an OpenAPI document is made of."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from receiver.flows.operator.refused_requests import KEPT
from receiver.lib import ids
from receiver.views.filters import (
    COMMON,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    REASONS,
    TYPES,
    ListParameters,
    refused_readers,
)
from receiver.views.schemas import id_schema
from receiver.web.api.openapi_examples import shown
from receiver.web.problems import problem_body

Json = dict[str, Any]

WHY: Final[dict[int, str]] = {
    400: "The request is wrong; `detail` says where",
    401: "The token is missing or wrong",
    403: "The viewer token only looks",
    404: "There is no such thing",
    409: "It does not fit the state of things; `code` says why",
    410: "It is not there any more, or the link is over",
    413: "The body is too large",
    503: "It cannot be done now; ask again",
}
#: A code that a refusal of this status may have.
CODES: Final[dict[int, str]] = {
    400: "invalid_query",
    401: "unauthorized",
    403: "viewer",
    404: "not_found",
    409: "parent_not_completed",
    410: "gone",
    413: "too_large",
    503: "unavailable",
}
#: A header that a refusal of this status has, and what it says.
HEADERS: Final[dict[int, tuple[str, str]]] = {
    401: ("WWW-Authenticate", "`Bearer`"),
    503: ("Retry-After", "Seconds after which to ask again."),
}
#: The first clause of a summary.
SHORT: Final = re.compile(r"[^.;:(]*[^.;:( ]")
DESCRIPTIONS: Final[dict[str, str]] = {
    "limit": "How many items at most.",
    "cursor": "`next` of the page before; go on until it is null.",
    "status": "Of the job; of a request or a delivery its own.",
    "source": "Name of the configured account.",
    "action": "The job's canonical action.",
    "provider_job_id": "The vendor's own id of the job.",
    "root_id": "Everything about the jobs of this tree.",
    "parent_id": "Jobs that follow up on this one, and what is about them.",
    "job_id": "What is about this job.",
    "since": "From this moment on: RFC 3339, without an offset it is UTC.",
    "until": "Before this moment.",
    "type": "Of the event.",
    "sink": "Name of the configured sink.",
    "reason": "Why it was refused.",
}
#: Where the document keeps its schemas.
SCHEMAS: Final = "#/components/schemas/"


def ref(name: str) -> Json:
    """A schema by its name."""
    return {"$ref": SCHEMAS + name}


def text() -> Json:
    """Any text without a NUL."""
    return {"type": "string", "pattern": r"^[^\x00]*$"}


def in_path(name: str, kind: ids.Kind) -> Json:
    """An id in the path; what is none is not found (404)."""
    return {"name": name, "in": "path", "required": True, "schema": id_schema(kind)}


def in_query(name: str, schema: Json, description: str) -> Json:
    """A query parameter."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def list_parameters(listing: ListParameters) -> list[Json]:
    """What a list can be asked for."""
    names = ("limit", "cursor", *COMMON, *listing.more)
    tags = in_query("tags", _tags(), "`tag.NAME=value`: the job's tag of this name has this value.")
    return [*(in_query(name, _schema(name, listing), DESCRIPTIONS[name]) for name in names), tags]


def refused_parameters() -> list[Json]:
    """What the list of refused requests can be asked for."""
    return [in_query(name, _refused_schema(name), DESCRIPTIONS[name]) for name in refused_readers()]


def _refused_schema(name: str) -> Json:
    if name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": KEPT}
    if name == "reason":
        return {"type": "string", "enum": list(REASONS)}
    return {"type": "string", "format": "date-time"} if name in ("since", "until") else text()


def _tags() -> Json:
    # Form style exploded, as it is by default: each property is a query parameter of its own.
    return {"type": "object", "propertyNames": {"pattern": r"^tag\.[^\x00]+$"}, "additionalProperties": text()}


def _schema(name: str, listing: ListParameters) -> Json:
    moment = {"type": "string", "format": "date-time"}
    known: dict[str, Json] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "cursor": id_schema(listing.kind),
        "status": {"type": "string", "enum": list(listing.statuses)},
        "type": {"type": "string", "enum": list(TYPES)},
        **dict.fromkeys(("root_id", "parent_id", "job_id"), id_schema("job")),
        **dict.fromkeys(("since", "until"), moment),
    }
    return known.get(name, text())


def body(record: str, examples: Json) -> Json:
    """A required JSON body."""
    return {"required": True, "content": {"application/json": {"schema": ref(record), "examples": examples}}}


def answers(status: str, description: str, record: str, *refused: int) -> Json:
    """The answer of success, the refusals that an address has of its own, and those that all have."""
    content: Json = {"schema": ref(record), "examples": shown(record)}
    answer: Json = {"description": description, "content": {"application/json": content}}
    if status == "202" and record == "Job":
        address = {"type": "string", "format": "uri-reference"}
        answer["headers"] = {"Location": {"description": "Where the job can be looked at.", "schema": address}}
    viewer = (403,) if status == "202" else ()
    return {status: answer, **refusals(*refused, 401, *viewer, 503)}


def refusals(*statuses: int) -> Json:
    """Problem documents by their status."""
    return {str(status): _refusal(status) for status in statuses}


def _refusal(status: int) -> Json:
    example = {"value": msgspec.json.decode(problem_body(status, CODES[status], WHY[status]))}
    content = {"schema": ref("Problem"), "examples": {"problem": example}}
    answer: Json = {"description": WHY[status], "content": {"application/problem+json": content}}
    if status in HEADERS:
        name, said = HEADERS[status]
        answer["headers"] = {name: {"description": said, "schema": {"type": "string"}}}
    return answer


def operation(
    name: str, tag: str, summary: str, responses: Json, parameters: list[Json] | None = None, wanted: Json | None = None
) -> Json:
    """One method of one address; `wanted` is its body. The summary ends where its first clause does."""
    short = SHORT.match(summary)
    found: Json = {
        "operationId": name,
        "tags": [tag],
        "summary": short[0] if short else summary,
        "description": f"{summary}.",
        "responses": responses,
    }
    if parameters:
        found["parameters"] = parameters
    if wanted is not None:
        found["requestBody"] = wanted
    return found
