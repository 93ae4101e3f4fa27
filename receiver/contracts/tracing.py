"""Whether traces are wanted, and what they are told of: webhooks that were kept, tries at deliveries and orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from receiver.contracts.counts import AttemptObserver

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTERS: Final = ("otlp", "console")


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


def wants_traces(env: Mapping[str, str]) -> bool:
    """True if the standard variables of OpenTelemetry name an exporter or endpoint and do not switch it off."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = env.get("OTEL_TRACES_EXPORTER", "").strip()
    return exporter in EXPORTERS if exporter else any(env.get(name) for name in ENDPOINTS)
