"""A handler together with what it may use, as the server would give it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from handlers.http.foreign import GuardedClient
from receiver.contracts import DeliveryContext, Handler, ProbedHandler, SinkProbe, Transport
from receiver.model.deliveries import Outcome, OutgoingEvent
from receiver.model.events import AnyEvent, Event
from receiver.model.jobs import Image, Job, JobError


async def _public(host: str, port: int) -> list[str]:
    return ["93.184.216.34"]


class Bound:
    """A handler and its context."""

    def __init__(
        self, handler: Handler, transport: Transport, now: int, timeout: float = 15.0, folder: Path = Path()
    ) -> None:
        self._handler = handler
        self.context = DeliveryContext(
            transport=transport,
            foreign=GuardedClient(transport, (), _public),
            sink="pictures",
            folder=folder,
            clock=lambda: now,
            timeout=timeout,
        )

    def __repr__(self) -> str:
        return repr(self._handler)

    async def deliver(self, outgoing: OutgoingEvent) -> Outcome:
        """One try; what the handler returns."""
        outcome = await self._handler.deliver(outgoing, self.context)
        assert outcome is not None
        return outcome

    async def probe(self) -> SinkProbe:
        """What the handler says when it is opened without a message."""
        assert isinstance(self._handler, ProbedHandler)
        return await self._handler.probe(self.context)


def job_event(**fields: Any) -> Event:
    """An event about a completed pick; `fields` are those of its job."""
    plain: dict[str, Any] = {
        "id": "job_01",
        "source": "journey",
        "provider": "journeyapi",
        "action": "pick",
        "status": "completed",
        "root_id": "job_01",
        "prompt": "a garden",
        "images": (Image(index=1, url="https://cdn.example.com/1.png"),),
        "created_at": "2026-11-21T10:00:00.000Z",
    }
    return Event(
        id="evt_01",
        source="gridhook/journey",
        type="job.completed",
        subject="job_01",
        time="2026-11-21T10:00:00.000Z",
        data=Job(**{**plain, **fields}),
    )


def strange_event() -> Event:
    """An event whose job holds what a vendor should not say: long, odd, and meant for somebody else."""
    odd = 'x" \\ <b>\r\nBcc: eve@example.com\n\u202e\u00e9 ' + "&*_\U0001f600" * 4000
    return job_event(
        prompt=odd,
        action=odd,
        source=odd,
        params={"text": odd},
        tags={odd: odd},
        error=JobError(code="moderated", provider_code=odd, message=odd),
        images=tuple(Image(index=index, url=f"https://cdn.example.com/{'y' * 1900}{index}") for index in range(50)),
        grid_url="https://a b.example/<x>",
    )


def outgoing(event: AnyEvent | None = None, **fields: Any) -> OutgoingEvent:
    """The first try at an event; by default at one about a job with these fields."""
    told = event or job_event(**fields)
    return OutgoingEvent(delivery_id="dlv_01", attempt=1, event=told, body=msgspec.json.encode(told))
