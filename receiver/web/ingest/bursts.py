"""Counts requests that were not verified, by source, until they are a burst."""

from __future__ import annotations

from typing import Final

from receiver.flows.operator.refused_requests import Burst

#: So many within so long are a burst, ms.
BURST: Final = 10
WITHIN_MS: Final = 600_000
#: So many addresses are remembered of one.
MOST_SENDERS: Final = 6


class _Count:
    """What came of one source since the first."""

    __slots__ = ("number", "reasons", "senders", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self.number = 0
        self.reasons: dict[str, int] = {}
        self.senders: dict[str, None] = {}


class Bursts:
    """The bursts of every source; bounded, whatever comes."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def add(self, source: str, reason: str, sender: str, now: int) -> None:
        """Counts one; `now` is Unix ms."""
        count = self._counts.get(source)
        if count is None or not 0 <= now - count.since < WITHIN_MS:
            count = self._counts[source] = _Count(now)
        count.number += 1
        count.reasons[reason] = count.reasons.get(reason, 0) + 1
        if sender and len(count.senders) < MOST_SENDERS:
            count.senders[sender] = None

    def due(self) -> list[Burst]:
        """Every burst that there is now."""
        return [
            Burst(
                source=source,
                since=count.since,
                reasons=dict(count.reasons),
                senders=tuple(count.senders),
                has_more_senders=len(count.senders) == MOST_SENDERS,
            )
            for source, count in self._counts.items()
            if count.number >= BURST
        ]
