"""One sample event to one sink, at once and without keeping anything: does the sink work?"""

from __future__ import annotations

import asyncio

import msgspec

from receiver.contracts import Answer, DeliveryContext, ForeignClient, Sink
from receiver.errors import TransportError
from receiver.lib.pictures.sample import sample_picture
from receiver.model.deliveries import Again, Outcome, OutgoingEvent
from receiver.model.events import Event
from receiver.model.samples import SAMPLE_PICTURE
from receiver.workers.sinks import outcome_of_said


class SamplePictures:
    """A `receiver.contracts.ForeignClient` that has the sample picture itself; all others are fetched."""

    def __init__(self, foreign: ForeignClient) -> None:
        """`foreign` fetches what is not the sample."""
        self._foreign = foreign

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        """The picture at an address. Raises ForeignRefused and TransportError."""
        if url == SAMPLE_PICTURE:
            return Answer(status=200, headers={"content-type": "image/png"}, body=sample_picture())
        return await self._foreign.fetch(url, seconds, max_bytes)


async def deliver_sample(sink: Sink, event: Event, context: DeliveryContext) -> Outcome:
    """What became of the event at the sink, within the sink's own timeout."""
    outgoing = OutgoingEvent(delivery_id="dlv_test", attempt=1, event=event, body=msgspec.json.encode(event))
    context = msgspec.structs.replace(context, foreign=SamplePictures(context.foreign))
    try:
        async with asyncio.timeout(context.timeout):
            return outcome_of_said(await sink.handler.deliver(outgoing, context))
    except TimeoutError:
        return Again(note=f"no answer within {context.timeout:g} s")
    except TransportError as wrong:
        return Again(note=str(wrong))
    except Exception as wrong:  # noqa: BLE001  # a handler may be anybody's code: what it raises is told
        return Again(note=f"the handler broke: {type(wrong).__name__}")
