"""A handler together with what it may use, as the server would give it."""

from __future__ import annotations

from pathlib import Path

from handlers.http.foreign import GuardedClient
from receiver.contracts import DeliveryContext, Handler, Transport
from receiver.model.deliveries import Outcome, OutgoingEvent


async def _public(host: str, port: int) -> list[str]:
    return ["93.184.216.34"]


class Bound:
    """A handler and its context."""

    def __init__(
        self, handler: Handler, transport: Transport, now: int, timeout: float = 15.0, folder: Path = Path()
    ) -> None:
        self._handler = handler
        self._context = DeliveryContext(
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
        outcome = await self._handler.deliver(outgoing, self._context)
        assert outcome is not None
        return outcome
