"""The log as a sink: one line an event."""

from __future__ import annotations

import structlog

from receiver.contracts import DeliveryContext, Handler, NoOptions
from receiver.model.deliveries import (
    Delivered,
    Outcome,
    OutgoingEvent,
)


class Log(Handler):
    """Writes one `event.logged` line for each event: ids and status, no prompt, no addresses."""

    def __init__(self, options: NoOptions) -> None:
        self._log = structlog.get_logger()

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Writes the line; always delivered."""
        job = outgoing.event.data
        self._log.info(
            "event.logged",
            event_id=outgoing.event.id,
            event_type=outgoing.event.type,
            job_id=job.id,
            source=job.source,
            action=job.action,
            status=job.status,
            progress=job.progress,
        )
        return Delivered()
