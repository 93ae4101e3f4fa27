"""The pieces that an OpenAPI document is made of."""

from __future__ import annotations

from typing import Any, Final

from receiver.lib import ids
from receiver.web.api.filters import (
    COMMON,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    TYPES,
    ListParameters,
)

Json = dict[str, Any]

WHY: Final[dict[int, str]] = {
    400: "The request is wrong; `detail` says where",
    401: "The admin token is missing or wrong",
    404: "There is no such thing",
    409: "It does not fit the state of things; `code` says why",
    413: "The body is too large",
    503: "It cannot be done now; ask again",
}
DESCRIPTIONS: Final[dict[str, str]] = {
    "limit": "How many items at most.",
    "cursor": "`next` of the page before; go on until it is null.",
    "status": "Of the job; of a request or a delivery its own state.",
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
}
NEXT: Final = (
    "The `cursor` of the next page; null: this is the last one. A page looks at some 2,000 records at most, so that it "
    "takes the same time however many there are. So where little fits the filters it has fewer items than `limit`, or "
    "none, though more follow."
)


def ref(name: str) -> Json:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text() -> Json:
    """Any text without a NUL."""
    return {"type": "string", "pattern": r"^[^\x00]*$"}


def id_schema(kind: ids.Kind) -> Json:
    """An outside id: its kind and 13 characters, of which the first is a bit shorter (63 bits)."""
    return {"type": "string", "pattern": f"^{kind}_[0-7][{ids.ALPHABET}]{{{ids.LENGTH - 1}}}$"}


def items(record: str) -> Json:
    """A page of records."""
    following = {"type": ["string", "null"], "description": NEXT}
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": ref(record)}, "next": following},
        "required": ["items", "next"],
        "additionalProperties": False,
    }


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


def _tags() -> Json:
    # Form style exploded, as it is by default: each property is a query parameter of its own.
    return {"type": "object", "patternProperties": {r"^tag\.[^\x00]+$": text()}, "additionalProperties": False}


def _schema(name: str, listing: ListParameters) -> Json:
    moment = {"type": "string", "format": "date-time"}
    known: dict[str, Json] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "cursor": id_schema(listing.kind),
        "status": {"enum": list(listing.statuses)},
        "type": {"enum": list(TYPES)},
        **dict.fromkeys(("root_id", "parent_id", "job_id"), id_schema("job")),
        **dict.fromkeys(("since", "until"), moment),
    }
    return known.get(name, text())


def body(schema: Json) -> Json:
    """A required JSON body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def answers(status: str, description: str, schema: Json, *refusals: int) -> Json:
    """The answer of success, the refusals that an address has of its own, and those that all have."""
    problem = {"application/problem+json": {"schema": ref("Problem")}}
    return {
        status: {"description": description, "content": {"application/json": {"schema": schema}}},
        **{str(one): {"description": WHY[one], "content": problem} for one in (*refusals, 401, 503)},
    }


def operation(
    name: str, summary: str, responses: Json, parameters: list[Json] | None = None, request_body: Json | None = None
) -> Json:
    """One method of one address."""
    found: Json = {"operationId": name, "summary": summary, "responses": responses}
    if parameters:
        found["parameters"] = parameters
    if request_body is not None:
        found["requestBody"] = request_body
    return found
