"""Jobs, requests and deliveries as the API and the command line show them."""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec

from receiver.contracts import (
    Filters,
    KeptRequest,
    Page,
    Proof,
    RequestState,
    Transaction,
)
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.deliveries import (
    Attempt,
    Delivery,
    State,
)
from receiver.model.events import EventType, OperatorEventType
from receiver.model.jobs import Job, KeptJob
from receiver.model.requests import RefusedRequest


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to find out what became of an unsure job."""

    #: How often its vendor was asked without an answer that settles it.
    asked: int
    #: When it is asked next; null: it cannot be asked, so its webhook or a person settles it.
    next_at: str | None


class JobDetail(Job, frozen=True, kw_only=True):
    """A job as it is shown alone: the job as everybody sees it, and of an unsure one what was done to settle it."""

    checks: Checks | msgspec.UnsetType = msgspec.UNSET


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound HTTP request, as lists show it."""

    id: str
    source: str
    status: RequestState
    #: How it proved to be genuine.
    proof: Proof
    #: The job that the ref in its path named.
    job_id: str | None
    #: Why it is not mapped.
    note: str | None
    #: The address that it came from, behind trusted proxies the real one; empty = not known.
    sender: str
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


class RefusedView(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was refused. Of what it held there are only the names of its headers."""

    #: RFC 3339.
    time: str
    #: None = it named no source that there is.
    source: str | None
    #: Why: `no_header`, `header_differs`, `signature_missing`, `signature_differs`, `too_old`, `too_new`, `unknown_ref`
    #: or `no_proof`; else the `code` of the answer.
    reason: str
    #: The address that it came from, behind trusted proxies the real one.
    sender: str
    headers: list[str]


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
    #: Type of the event; null for an order.
    event_type: EventType | OperatorEventType | None
    #: Null for an operator event.
    job_id: str | None
    status: State
    #: How many tries have begun.
    attempt: int
    created_at: str
    #: "Not before" when pending, "lease until" when running; null once it is done or dead.
    due_at: str | None
    #: When a person left this dead letter: it is out of their inbox. Null = nobody did.
    left_at: str | None


class DeliveryDetail(DeliveryView, frozen=True, kw_only=True):
    """One delivery with all its tries, oldest first."""

    attempts: tuple[Attempt, ...]


def refused_view(refused: RefusedRequest) -> RefusedView:
    """A refused request as it is shown."""
    return RefusedView(
        time=stamp(refused.at),
        source=refused.source,
        reason=refused.reason,
        sender=refused.sender,
        headers=list(refused.headers),
    )


def request_view(kept: KeptRequest) -> RequestView:
    """A kept request as lists show it."""
    return RequestView(**_request_fields(kept))


def request_detail(kept: KeptRequest) -> RequestDetail:
    """A kept request with headers and body; a body that is not UTF-8 is in base64."""
    body, encoding = _as_text(kept.body)
    return RequestDetail(**_request_fields(kept), headers=kept.headers, body=body, encoding=encoding)


def delivery_view(tx: Transaction, delivery: Delivery) -> DeliveryView:
    """A delivery as lists show it."""
    return DeliveryView(**_delivery_fields(tx, delivery))


def delivery_views(tx: Transaction, filters: Filters) -> Page[DeliveryView]:
    """A page of deliveries as lists show them."""
    found = tx.deliveries(filters)
    return Page([delivery_view(tx, one) for one in found], found.next)


def delivery_detail(tx: Transaction, delivery: Delivery) -> DeliveryDetail:
    """A delivery with its tries."""
    return DeliveryDetail(**_delivery_fields(tx, delivery), attempts=tuple(tx.attempts(delivery.number)))


def job_detail(kept: KeptJob) -> JobDetail:
    """A job as it is shown alone: what is unsure tells what was done to settle it."""
    if kept.job.status != "unsure":
        return JobDetail(**msgspec.structs.asdict(kept.job))
    following = None if kept.check_at is None else stamp(kept.check_at)
    checks = Checks(asked=kept.missed_checks, next_at=following)
    return JobDetail(**msgspec.structs.asdict(kept.job), checks=checks)


def _request_fields(kept: KeptRequest) -> dict[str, Any]:
    return {
        "id": ids.show("req", kept.number),
        "source": kept.source,
        "status": kept.state,
        "proof": kept.proof,
        "job_id": None if kept.ref_job is None else ids.show("job", kept.ref_job),
        "note": kept.note,
        "sender": kept.sender,
        "received_at": stamp(ids.made_at(kept.number) if kept.received_at is None else kept.received_at),
        "size": len(kept.body),
    }


def _delivery_fields(tx: Transaction, delivery: Delivery) -> dict[str, Any]:
    event, made_at = delivery.event, tx.made_at(delivery.number)
    return {
        "id": ids.show("dlv", delivery.number),
        "kind": "order" if delivery.is_order else "event",
        "sink": None if delivery.is_order else delivery.name,
        "source": delivery.name if delivery.is_order else None,
        "event_id": None if event is None else ids.show("evt", event),
        "event_type": None if event is None else tx.event_type(event),
        "job_id": ids.show("job", delivery.job) if delivery.job else None,
        "status": delivery.state,
        "attempt": delivery.attempt,
        "created_at": stamp(made_at),
        # What is urgent counts as due since long before it was made: it is taken first.
        "due_at": stamp(max(delivery.due_at, made_at)) if delivery.state in ("pending", "running") else None,
        "left_at": _left_at(tx, delivery),
    }


def _left_at(tx: Transaction, delivery: Delivery) -> str | None:
    at = tx.left_at(delivery.number) if delivery.state == "dead" else None
    return None if at is None else stamp(at)


def _as_text(body: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"
