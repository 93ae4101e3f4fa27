"""Claims of all lanes in one call: what is due, and not held up, is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from receiver.contracts import ClaimedDue, LaneRoom, Transaction
from receiver.model.deliveries import Delivery
from receiver.store.sqlite.tables.deliveries import DeliveriesTable
from receiver.store.sqlite.tables.destinations import DestinationsTable


class ClaimsTable(DeliveriesTable, DestinationsTable):
    """Deliveries on their way to a dispatcher."""

    def claim_due(self, rooms: Sequence[LaneRoom], now: int) -> ClaimedDue:
        """Takes due deliveries of all these lanes, but for those whose destination is waited for."""
        claimed: list[Delivery] = []
        wakes: list[int] = []
        for room, due in zip(rooms, self._due([room.lane for room in rooms]), strict=True):
            wake = self._claim_of(room, now, claimed) if due is not None and due <= now else due
            if wake is not None:
                wakes.append(wake)
        return ClaimedDue(claimed, min(wakes, default=None))

    def _due(self, lanes: list[str]) -> list[int | None]:
        """When the earliest pending delivery of each lane is due."""
        if not lanes:
            return []
        earliest = "(SELECT min(due_at) FROM deliveries WHERE lane = lanes.column1 AND state = 'pending')"
        values = ", ".join(["(?)"] * len(lanes))
        return [due for (due,) in self._db.execute(f"SELECT {earliest} FROM (VALUES {values}) AS lanes", lanes)]

    def _claim_of(self, room: LaneRoom, now: int, claimed: list[Delivery]) -> int | None:
        """Claims of one lane; returns when it may claim again (Unix ms), None if a later commit tells that."""
        destination = self.destination(room.lane)
        if destination is not None and destination.wait_until > now:
            return destination.wait_until
        allowed = room.free if room.room is None else min(room.free, room.room(cast("Transaction", self)))
        most = min(allowed, room.at_once)
        if most <= 0:
            return None
        if destination is not None and destination.paused:
            # One delivery probes it; until that is over nothing else is sent there.
            self.put_destination(msgspec.structs.replace(destination, wait_until=room.lease_until))
            most = allowed = 1
        taken = self.claim(room.lane, most, now, room.lease_until)
        claimed += taken
        if len(taken) < most:
            return self.next_due([room.lane])
        return now if most < allowed else None
