"""The log as a sink: one line an event."""

from __future__ import annotations

import msgspec

from receiver.contracts import DeliveryContext, Handler, NoOptions
from receiver.lib import logs
from receiver.model.deliveries import (
    Again,
    Delivered,
    Outcome,
    OutgoingEvent,
)
from receiver.model.events import AnyEvent, OperatorEvent


class Log(Handler):
    """Writes one `event.logged` line for each event: ids and status, no prompt, no addresses."""

    def __init__(self, options: NoOptions) -> None:
        pass

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Delivered once the line is written; Again if it cannot be."""
        event = outgoing.event
        try:
            await logs.written("event.logged", event_id=event.id, event_type=event.type, **_told(event))
        except (OSError, ValueError) as wrong:
            return Again(note=f"the log cannot be written: {wrong}")
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
