"""What traces are told: of webhooks that were kept, and of tries at deliveries and orders."""

from __future__ import annotations

from typing import Protocol

import msgspec

from receiver.contracts.counts import AttemptObserver


class KeptWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that was kept. Times are Unix ns."""

    #: Its id, `req_...`.
    request_id: str
    source: str
    outcome: str
    events: int
    started_at_ns: int
    ended_at_ns: int
    #: When its write began to wait for a commit, and when that was on disk.
    commit_started_at_ns: int
    commit_ended_at_ns: int


class Tracer(AttemptObserver, Protocol):
    """Makes traces. Called on the event loop; must not raise, and does not wait."""

    def kept(self, webhook: KeptWebhook) -> None:
        """A webhook was kept and answered."""
        ...
