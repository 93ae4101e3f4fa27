"""One sample event to one sink, at once and without keeping anything: does the sink work?"""

from __future__ import annotations

import asyncio

import msgspec

from receiver.contracts import DeliveryContext, Sink
from receiver.errors import TransportError
from receiver.model.deliveries import Again, Outcome, OutgoingEvent
from receiver.model.events import Event
from receiver.workers.sinks import outcome_of_said


async def deliver_sample(sink: Sink, event: Event, context: DeliveryContext) -> Outcome:
    """What became of the event at the sink, within the sink's own timeout."""
    outgoing = OutgoingEvent(delivery_id="dlv_test", attempt=1, event=event, body=msgspec.json.encode(event))
    try:
        async with asyncio.timeout(context.timeout):
            return outcome_of_said(await sink.handler.deliver(outgoing, context))
    except TimeoutError:
        return Again(note=f"no answer within {context.timeout:g} s")
    except TransportError as wrong:
        return Again(note=str(wrong))
    except Exception as wrong:  # noqa: BLE001  # a handler may be anybody's code: what it raises is told
        return Again(note=f"the handler broke: {type(wrong).__name__}")
