"""Requests and deliveries as the API and the command line show them, and the JSON Schemas of all that is shown."""

from __future__ import annotations

import base64
from typing import Any, Final, Literal

import msgspec

from receiver.contracts import (
    KeptRequest,
    Proof,
    RequestState,
)
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.deliveries import (
    Attempt,
    Delivery,
    State,
)
from receiver.model.events import Event
from receiver.model.jobs import Job
from receiver.views.costs import CostSummary

#: JSON Schema's own name for the dialect that msgspec writes.
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound HTTP request, as lists show it."""

    id: str
    source: str
    state: RequestState
    #: How it proved to be genuine.
    proof: Proof
    #: The job that the ref in its path named.
    job_id: str | None
    #: Why it is not mapped.
    note: str | None
    received_at: str
    #: Of the body, bytes.
    size: int


class RequestDetail(RequestView, frozen=True, kw_only=True):
    """One inbound HTTP request with all that was kept of it. It is foreign text: show it as text only."""

    #: Lower-case names; the values of secret headers are `***`.
    headers: dict[str, str]
    #: The body: as text if it is UTF-8, else in base64.
    body: str
    encoding: Literal["utf-8", "base64"]


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one sink, or one planned job on its way to its provider, as lists show it."""

    id: str
    kind: Literal["event", "order"]
    #: Where an event goes; null for an order.
    sink: str | None
    #: Whose order it is; null for an event.
    source: str | None
    #: Null for an order.
    event_id: str | None
    job_id: str
    state: State
    #: How many tries have begun.
    attempt: int
    #: "Not before" when pending, "lease until" when running; null once it is done or dead.
    due_at: str | None


class DeliveryDetail(DeliveryView, frozen=True, kw_only=True):
    """One delivery with all its tries, oldest first."""

    attempts: tuple[Attempt, ...]


def request_view(kept: KeptRequest) -> RequestView:
    """A kept request as lists show it."""
    return RequestView(**_request_fields(kept))


def request_detail(kept: KeptRequest) -> RequestDetail:
    """A kept request with headers and body; a body that is not UTF-8 is in base64."""
    body, encoding = _as_text(kept.body)
    return RequestDetail(**_request_fields(kept), headers=kept.headers, body=body, encoding=encoding)


def delivery_view(delivery: Delivery) -> DeliveryView:
    """A delivery as lists show it."""
    return DeliveryView(**_delivery_fields(delivery))


def delivery_detail(delivery: Delivery, attempts: list[Attempt]) -> DeliveryDetail:
    """A delivery with its tries."""
    return DeliveryDetail(**_delivery_fields(delivery), attempts=tuple(attempts))


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas (draft 2020-12) of what gridhook shows, by name: Job, Event, Delivery, Request, Costs."""
    shown = {"Job": Job, "Event": Event, "Delivery": DeliveryDetail, "Request": RequestDetail, "Costs": CostSummary}
    return {name: {"$schema": DIALECT, **msgspec.json.schema(kind)} for name, kind in shown.items()}


def _request_fields(kept: KeptRequest) -> dict[str, Any]:
    return {
        "id": ids.show("req", kept.number),
        "source": kept.source,
        "state": kept.state,
        "proof": kept.proof,
        "job_id": None if kept.ref_job is None else ids.show("job", kept.ref_job),
        "note": kept.note,
        "received_at": stamp(ids.made_at(kept.number) if kept.received_at is None else kept.received_at),
        "size": len(kept.body),
    }


def _delivery_fields(delivery: Delivery) -> dict[str, Any]:
    event = delivery.event
    return {
        "id": ids.show("dlv", delivery.number),
        "kind": "order" if delivery.is_order else "event",
        "sink": None if delivery.is_order else delivery.name,
        "source": delivery.name if delivery.is_order else None,
        "event_id": None if event is None else ids.show("evt", event),
        "job_id": ids.show("job", delivery.job),
        "state": delivery.state,
        "attempt": delivery.attempt,
        "due_at": stamp(delivery.due_at) if delivery.state in ("pending", "running") else None,
    }


def _as_text(body: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"
