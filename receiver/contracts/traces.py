"""Traces: how single jobs and deliveries went, as far as figures are made of it."""

from __future__ import annotations

import msgspec


class JobTrace(msgspec.Struct, frozen=True, kw_only=True):
    """How a job went. Times are Unix ms."""

    source: str
    status: str
    made_at: int
    #: When it was ordered; None = it was not, or another tool did.
    submitted_at: int | None
    #: When it was over.
    finished_at: int | None
    #: Whether a webhook told of its result; None = there is none yet.
    by_webhook: bool | None


class DeliveryTrace(msgspec.Struct, frozen=True, kw_only=True):
    """How a delivery went."""

    #: `sink:NAME` or `order:SOURCE`
    lane: str
    state: str
    #: Unix ms.
    made_at: int
    #: How many tries have begun, and how long the last one that ended took, ms.
    attempt: int
    took_ms: int | None


class RequestTrace(msgspec.Struct, frozen=True, kw_only=True):
    """That a webhook came."""

    source: str
    #: Unix ms.
    at: int


class EventTrace(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a webhook made as it was kept."""

    #: The numbers of the event, and of the job that it is about.
    number: int
    job: int
    type: str


class TraceOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery or an order follows from."""

    #: The number of the request.
    request: int
    #: The number of the event that was made with it; None = it was made later (reparse).
    event: int | None
