"""The log as a sink: one line an event."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from receiver.contracts import Transport
from receiver.lib import logs
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    Again,
    Delivered,
    Outcome,
    OutgoingEvent,
)


class Log:
    """Writes one `event.logged` line for each event: ids and status, no prompt, no addresses."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """A log sink has no keys of its own."""

    default_rate: ClassVar[float | None] = None
    default_concurrency: ClassVar[int] = 4

    def __init__(self, _options: Options, _transport: Transport, _clock: Clock, _timeout: float) -> None:
        """Takes what every handler is given and needs none of it."""

    async def deliver(self, outgoing: OutgoingEvent) -> Outcome:
        """Delivered once the line is written; Again if it cannot be."""
        job = outgoing.event.data
        try:
            await logs.written(
                "event.logged",
                event_id=outgoing.event.id,
                event_type=outgoing.event.type,
                job_id=job.id,
                source=job.source,
                action=job.action,
                status=job.status,
                progress=job.progress,
            )
        except (OSError, ValueError) as wrong:
            return Again(note=f"the log cannot be written: {wrong}")
        return Delivered()
