"""Claims of one lane, and when it has something to claim."""

from __future__ import annotations

from receiver.contracts import LaneLimits, Transaction
from receiver.model.deliveries import Delivery

#: Before anything is due.
LONG_AGO = -(2**62)


def claim(tx: Transaction, lane: str, most: int, now: int, lease_until: int) -> list[Delivery]:
    """At most so many due deliveries of a lane whose concurrency is no matter."""
    return tx.claim([LaneLimits(lane, concurrency=1_000_000, at_once=most, lease_until=lease_until)], now).deliveries


def next_due(tx: Transaction, lane: str) -> int | None:
    """When the earliest pending delivery of a lane is due, Unix ms; claims nothing."""
    return tx.claim([LaneLimits(lane, concurrency=1, at_once=1, lease_until=0)], LONG_AGO).wake
