"""Claims of all lanes in one call: what is due, and not held up, is taken."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

import msgspec

from receiver.contracts import ClaimedDue, LaneLimits
from receiver.model.deliveries import Delivery
from receiver.store.tables.deliveries import DELIVERY_COLUMNS, DeliveriesTable, delivery_of
from receiver.store.tables.destinations import DestinationsTable
from receiver.store.tables.jobs import IS_LIVE

#: A lane's due deliveries, the longest due first.
TAKE: Final = f"""
    UPDATE deliveries SET state = 'running', due_at = ?, attempt = attempt + 1, owner = ?
    WHERE number IN (
        SELECT number FROM deliveries WHERE lane = ? AND state = 'pending' AND due_at <= ?
        ORDER BY due_at, number LIMIT ?
    )
    RETURNING {DELIVERY_COLUMNS}
"""
RUNNING: Final = "SELECT count(*) FROM deliveries INDEXED BY deliveries_running WHERE lane = ? AND state = 'running'"
#: The jobs of ours that a source's vendor works on or is being sent, and those that are on the way to it.
AT_VENDOR: Final = (
    f"SELECT count(*) FROM jobs INDEXED BY jobs_live WHERE source = ? AND intent IS NOT NULL AND {IS_LIVE}"
)
ON_THE_WAY: Final = """
    SELECT count(*) FROM deliveries INDEXED BY deliveries_running CROSS JOIN jobs ON jobs.number = deliveries.job
    WHERE lane = ? AND state = 'running' AND status IN ('planned', 'unsure')
"""


class ClaimsTable(DeliveriesTable, DestinationsTable):
    """Deliveries on their way to a dispatcher."""

    def claim(self, lanes: Sequence[LaneLimits], now: int) -> ClaimedDue:
        """Takes due deliveries of all these lanes, as far as limits and destinations let them begin."""
        claimed: list[Delivery] = []
        wakes: list[int] = []
        for limits, due in zip(lanes, self._due([limits.lane for limits in lanes]), strict=True):
            wake = self._claim_of(limits, now, claimed) if due is not None and due <= now else due
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

    def _claim_of(self, limits: LaneLimits, now: int, claimed: list[Delivery]) -> int | None:
        """Claims of one lane; returns when it may claim again (Unix ms), None if a later commit tells that."""
        destination = self.destination(limits.lane)
        if destination is not None and destination.wait_until > now:
            return destination.wait_until
        free_at = self._free_at(limits, now)
        if free_at > now:
            return free_at
        allowed = self._room(limits)
        if allowed <= 0:
            return None
        if destination is not None and destination.paused:
            # One delivery probes it; until that is over nothing else is sent there.
            self.put_destination(msgspec.structs.replace(destination, wait_until=limits.lease_until))
            allowed = 1
        most = min(allowed, limits.at_once, 1 if limits.rate is not None else allowed)
        taken = self._take(limits, most, now)
        claimed += taken
        if len(taken) < most:
            return self._due([limits.lane])[0]
        if limits.rate is not None:
            return self._wait_by_rate(limits.lane, now + 1000 / limits.rate)
        return now if most < allowed else None

    def _room(self, limits: LaneLimits) -> int:
        """How many more may begin."""
        busy = self._count(RUNNING, (limits.lane,))
        if limits.source is not None:
            live = self._count(AT_VENDOR, (limits.source,)) + self._count(ON_THE_WAY, (limits.lane,))
            busy = max(busy, live)
        return limits.concurrency - busy

    def _free_at(self, limits: LaneLimits, now: int) -> int:
        """When the next one may begin by the lane's rate, Unix ms; not after `now` if it may at once."""
        if limits.rate is None:
            return now
        row = self._one("SELECT free_at FROM lanes WHERE lane = ?", (limits.lane,))
        # Further away than any wait of this rate: the clock was set back, or the rate was lower.
        return ceil(row[0]) if row is not None and row[0] - now <= 1000 / limits.rate else now

    def _wait_by_rate(self, lane: str, free_at: float) -> int:
        self._db.execute("INSERT OR REPLACE INTO lanes VALUES (?, ?)", (lane, free_at))
        return ceil(free_at)

    def _take(self, limits: LaneLimits, most: int, now: int) -> list[Delivery]:
        rows = self._db.execute(TAKE, (limits.lease_until, self.owner, limits.lane, now, most)).fetchall()
        return sorted((delivery_of(row) for row in rows), key=lambda delivery: delivery.number)
