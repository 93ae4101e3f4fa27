"""The log as a sink: one line an event."""

from __future__ import annotations

import msgspec
import structlog

from receiver.contracts import DeliveryContext, Handler, NoOptions
from receiver.model.deliveries import (
    Delivered,
    Outcome,
    OutgoingEvent,
)
from receiver.model.events import AnyEvent, OperatorEvent


class Log(Handler):
    """Writes one `event.logged` line for each event: ids and status, no prompt, no addresses."""

    def __init__(self, options: NoOptions) -> None:
        self._log = structlog.get_logger()

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
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
