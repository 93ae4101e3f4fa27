"""The JSON Schemas of all that gridhook takes and shows: records as they are, with formats, and lists of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from receiver.flows.intake import IntakeResult
from receiver.lib import ids
from receiver.model.events import Event
from receiver.model.jobs import Job
from receiver.model.submissions import Pick, Resend, Resolve, Submission
from receiver.views import order_schemas
from receiver.views.costs import CostSummary
from receiver.views.order_schemas import PARAMETERS, Schema
from receiver.views.records import (
    DeliveryDetail,
    DeliveryView,
    JobDetail,
    RefusedView,
    RequestDetail,
    RequestView,
)

#: JSON Schema's own name for the dialect that msgspec writes.
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: Where one schema names another.
LOCAL: Final = "#/$defs/"
#: What is shown or taken, by the name it has outside.
RECORDS: Final[dict[str, type[msgspec.Struct]]] = {
    "Job": Job,
    "Event": Event,
    "JobDetail": JobDetail,
    "Delivery": DeliveryDetail,
    "ListedDelivery": DeliveryView,
    "Request": RequestDetail,
    "ListedRequest": RequestView,
    "Refused": RefusedView,
    "Costs": CostSummary,
    "Taken": IntakeResult,
    "Submission": Submission,
    "Pick": Pick,
    "Resolve": Resolve,
    "Resend": Resend,
}
#: Lists, and what they are of.
LISTS: Final = {
    "JobList": "Job",
    "EventList": "Event",
    "RequestList": "ListedRequest",
    "RefusedList": "Refused",
    "DeliveryList": "ListedDelivery",
}
#: Formats by the name of a property, in whichever record.
FORMATS: Final = {
    **dict.fromkeys(("created_at", "submitted_at", "finished_at", "received_at", "started_at"), "date-time"),
    **dict.fromkeys(("due_at", "next_at", "probe_at", "since", "until", "deadline", "time"), "date-time"),
}
#: Kinds of the ids by the name of a property; `id` itself is of its record's kind.
ID_KINDS: Final[dict[str, ids.Kind]] = {
    **dict.fromkeys(("job_id", "root_id", "parent_id"), "job"),
    "event_id": "evt",
    "request": "req",
}
OWN_KINDS: Final[dict[str, ids.Kind]] = {
    **dict.fromkeys(("Job", "JobDetail"), "job"),
    "Event": "evt",
    **dict.fromkeys(("Delivery", "ListedDelivery"), "dlv"),
    **dict.fromkeys(("Request", "ListedRequest"), "req"),
}
NEXT: Final = (
    "The `cursor` of the next page; null: this is the last one. A page looks at some 2,000 records at most, so that it "
    "takes the same time however many there are. So where little fits the filters it has fewer items than `limit`, or "
    "none, though more follow."
)
PROBLEM: Final[Schema] = {
    "title": "Problem",
    "type": "object",
    "description": "Why it was not done: RFC 9457 problem details; `code` is stable.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "code", "detail"],
}


def id_schema(kind: ids.Kind) -> Schema:
    """An outside id: its kind and 13 characters, of which the first is a bit shorter (63 bits)."""
    return {"type": "string", "pattern": f"^{kind}_[0-7][{ids.ALPHABET}]{{{ids.LENGTH - 1}}}$"}


def schemas() -> dict[str, Schema]:
    """Each record and list as a JSON Schema (draft 2020-12) that stands alone, by its name."""
    known = components()
    names = [*RECORDS, *LISTS, "Problem"]
    return {name: {"$schema": DIALECT, **known[name], **_definitions(name, known)} for name in names}


@cache
def components() -> dict[str, Schema]:
    """Every schema by its name; they name each other by `#/$defs/NAME`."""
    _, found = msgspec.json.schema_components(RECORDS.values(), ref_template=LOCAL + "{name}")
    outside = {kind.__name__: name for name, kind in RECORDS.items()}
    named = {outside.get(name, name): _renamed(schema, outside) for name, schema in found.items()}
    dressed = {name: _dressed(name, schema) for name, schema in named.items()}
    tile = {name: PARAMETERS["index"][name] for name in ("minimum", "maximum", "pattern")}
    dressed["Pick"]["properties"]["index"] = {"type": ["integer", "string"], **tile}
    return {
        **dressed,
        "Submission": order_schemas.submission(dressed["Submission"]),
        "OrderParams": order_schemas.order_params(),
        "FollowUp": order_schemas.follow_up(),
        **{name: _list_of(name, record) for name, record in LISTS.items()},
        "Problem": PROBLEM,
    }


def with_references(value: Any, prefix: str) -> Any:
    """The same schema, its references beginning with `prefix` instead of `#/$defs/`."""
    if isinstance(value, list):
        return [with_references(item, prefix) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: prefix + item.removeprefix(LOCAL) if name == "$ref" else with_references(item, prefix)
        for name, item in value.items()
    }


def _definitions(name: str, known: Mapping[str, Schema]) -> Schema:
    """The `$defs` of all that a schema names, directly or not."""
    found: dict[str, Schema] = {}
    left = _names_in(known[name])
    while left:
        one = left.pop()
        if one not in found:
            found[one] = known[one]
            left |= _names_in(known[one])
    return {"$defs": dict(sorted(found.items()))} if found else {}


def _names_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in _names_in(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"].removeprefix(LOCAL)} if isinstance(value.get("$ref"), str) else set()
    return own | {name for item in value.values() for name in _names_in(item)}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same schema with the outside names of what it names and is."""
    if isinstance(value, list | tuple):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {name: _renamed(item, names) for name, item in value.items()}
    if isinstance(value.get("$ref"), str):
        name = value["$ref"].removeprefix(LOCAL)
        renamed["$ref"] = LOCAL + names.get(name, name)
    if isinstance(value.get("title"), str):
        renamed["title"] = names.get(value["title"], value["title"])
    return renamed


def _dressed(record: str, schema: Schema) -> Schema:
    """The schema of a record with the formats of its properties."""
    properties = {name: _formatted(record, name, item) for name, item in schema.get("properties", {}).items()}
    return {**schema, "properties": properties} if properties else schema


def _formatted(record: str, name: str, schema: Schema) -> Schema:
    if "anyOf" in schema:
        return {**schema, "anyOf": [_formatted(record, name, one) for one in schema["anyOf"]]}
    if "enum" in schema:
        return {"type": "string", **schema}
    if schema.get("type") != "string" or "format" in schema:
        return schema
    kind = OWN_KINDS.get(record) if name == "id" else ID_KINDS.get(name)
    if kind is not None:
        return {**schema, **id_schema(kind)}
    return {**schema, "format": FORMATS[name]} if name in FORMATS else schema


def _list_of(name: str, record: str) -> Schema:
    following = {"type": ["string", "null"], "description": NEXT}
    return {
        "title": name,
        "description": "One page of a list, newest first.",
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"$ref": LOCAL + record}}, "next": following},
        "required": ["items", "next"],
        "additionalProperties": False,
    }
