"""The log as a sink: one line an event."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import structlog

from receiver.contracts import Transport
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    Delivered,
    Outcome,
    OutgoingEvent,
)
from receiver.model.events import AnyEvent, OperatorEvent


class Log:
    """Writes one `event.logged` line for each event: ids and status, no prompt, no addresses."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """A log sink has no keys of its own."""

    default_rate: ClassVar[float | None] = None
    default_concurrency: ClassVar[int] = 4

    def __init__(self, _options: Options, _transport: Transport, _clock: Clock, _timeout: float) -> None:
        """Takes what every handler is given and needs none of it."""
        self._log = structlog.get_logger()

    async def deliver(self, outgoing: OutgoingEvent) -> Outcome:
        """Writes the line; always delivered."""
        event = outgoing.event
        self._log.info("event.logged", event_id=event.id, event_type=event.type, **_told(event))
        return Delivered()


def _told(event: AnyEvent) -> dict[str, object]:
    if isinstance(event, OperatorEvent):
        told: dict[str, object] = msgspec.to_builtins(event.data)
        return told
    job = event.data
    return {
        "job_id": job.id,
        "source": job.source,
        "action": job.action,
        "status": job.status,
        "progress": job.progress,
    }
