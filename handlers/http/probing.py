"""Trying a sink without sending anything to it: what a connection, or a free question, says of it."""

from __future__ import annotations

from receiver.contracts import DeliveryContext, SinkProbe
from receiver.model.deliveries import Delivered, Outcome


async def probe_connection(url: str, context: DeliveryContext) -> SinkProbe:
    """Whether there is a connection to an address; nothing is sent. Raises TransportError if there is none."""
    place = await context.transport.connect(url, context.timeout)
    return SinkProbe(works=True, said=f"{place} takes connections; nothing was sent")


def probe_of(outcome: Outcome, found: str) -> SinkProbe:
    """What the answer to a free question means: `found` if it is one, else what the outcome notes."""
    if isinstance(outcome, Delivered):
        return SinkProbe(works=True, said=found)
    return SinkProbe(works=False, said=outcome.note or "it said no")
