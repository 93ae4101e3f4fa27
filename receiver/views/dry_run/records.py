"""What a dry run tells."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from receiver.model.actions import Params
from receiver.model.jobs import (
    Cost,
    Hold,
    JobError,
)

Outcome = Literal["ordered", "held", "done", "refused"]


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A follow-up that would be planned, and what would follow if it completed."""

    action: str
    params: Params
    source: str
    provider: str
    #: The rule that says so; null if a person's chain does.
    rule: str | None
    #: `done`: it needs no call. `refused`: the source or the parent does not allow it, so nothing is sent.
    outcome: Outcome
    #: Null: not known, or nothing is paid.
    cost: Cost | None
    hold: Hold | None
    error: JobError | None
    #: Our id of the job that was planned because of this very event before: a repeat would not order it again.
    known: str | None
    then: tuple[PlannedOrder, ...] = ()


class ToldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that would be made, and who would be told of it."""

    type: str
    source: str
    action: str | None
    params: Params
    provider_job_id: str | None
    sinks: tuple[str, ...]


class PlannedCost(msgspec.Struct, frozen=True, kw_only=True):
    """What some orders cost together."""

    amount: Decimal
    #: "credits" or "USD"
    unit: str
    #: Whose credits they are, since one vendor's are not another's; null for USD, of all sources together.
    source: str | None


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """All that an event would lead to, as if it came for the first time."""

    #: What would be made at once: the event itself, and what its follow-ups make.
    events: tuple[ToldEvent, ...]
    orders: tuple[PlannedOrder, ...]
    #: What all orders cost that nothing holds back, later steps included.
    cost: tuple[PlannedCost, ...]
    #: What the held ones cost, and the steps after them.
    held: tuple[PlannedCost, ...]
    #: Number of orders, held ones included, whose price is not known.
    unknown: int
