"""What a dispatcher would claim, and what it got."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from receiver.model.deliveries import Delivery

if TYPE_CHECKING:
    from receiver.contracts.transaction import Transaction


class LaneRoom(NamedTuple):
    """What a dispatcher would claim of one lane."""

    lane: str
    #: How many more deliveries may begin, by the lane's concurrency and rate.
    free: int
    #: Of those, how many one commit claims at most.
    at_once: int
    #: Until when they are leased, Unix ms.
    lease_until: int
    #: How many more may begin for another reason; None = no other reason.
    room: Callable[[Transaction], int] | None = None


class ClaimedDue(NamedTuple):
    """What was claimed of several lanes."""

    deliveries: list[Delivery]
    #: When there may be something to claim again without a commit that tells of it, Unix ms; None = at no known time.
    wake: int | None
