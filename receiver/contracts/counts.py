"""What is counted since the start: kept by who does the work, read by `/metrics`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from receiver.lib.tallies import BitHistogram, Tally
from receiver.model.deliveries import Delivery


class AttemptObserver(Protocol):
    """Is told of every try at a delivery or an order, once it is settled. Called on the event loop; must not raise."""

    def attempted(self, delivery: Delivery, outcome: str, started_at_ms: int, took_ms: int) -> None:
        """One try: what came of it (a word of ours), when it began (Unix ms), and how long it took."""
        ...


class AttemptCounts:
    """Tries at deliveries and orders since the start."""

    def __init__(self) -> None:
        #: By sink and outcome.
        self.deliveries = Tally()
        #: By source and outcome.
        self.orders = Tally()
        #: By sink and by source: how long tries took, ms.
        self.delivery_ms: dict[str, BitHistogram] = {}
        self.order_ms: dict[str, BitHistogram] = {}

    def attempted(self, delivery: Delivery, outcome: str, started_at_ms: int, took_ms: int) -> None:
        """Counts one; see `AttemptObserver`."""
        tally, times = (self.orders, self.order_ms) if delivery.is_order else (self.deliveries, self.delivery_ms)
        tally.add(delivery.name, outcome)
        histogram = times.get(delivery.name)
        if histogram is None:
            histogram = times[delivery.name] = BitHistogram()
        histogram.add(took_ms)


class ReplicaState(NamedTuple):
    """Where this process stands among those on its database."""

    #: Its number among them.
    slot: int
    #: How often it found the database again after that was away, since its start.
    reconnects: int


class StoreCounts:
    """What a store wrote since the start."""

    def __init__(self) -> None:
        #: How many writes shared a commit, and how long it took, µs.
        self.commit_sizes = BitHistogram()
        self.commit_us = BitHistogram()
        #: By source (empty: of none) and type: events that are kept.
        self.events = Tally()
