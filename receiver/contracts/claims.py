"""What a dispatcher would claim, and what it got."""

from __future__ import annotations

from typing import NamedTuple

from receiver.model.deliveries import Delivery


class LaneLimits(NamedTuple):
    """What may be claimed of one lane. The limits hold for all processes that claim together."""

    lane: str
    #: How many of its deliveries may be `running` at once.
    concurrency: int
    #: How many one call claims at most.
    at_once: int
    #: Until when they are leased, Unix ms.
    lease_until: int
    #: How many may begin in a second; None = as they come.
    rate: float | None = None
    #: A source: the jobs that its vendor works on, or is being sent, are no more than `concurrency` either.
    source: str | None = None


class ClaimedDue(NamedTuple):
    """What was claimed of several lanes."""

    deliveries: list[Delivery]
    #: When there may be something to claim again without a commit that tells of it, Unix ms; None = at no known time.
    wake: int | None
