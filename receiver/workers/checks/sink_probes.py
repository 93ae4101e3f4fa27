"""Opens a sink without sending anything to it: can it be reached, and does it know us?"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import msgspec

from receiver.contracts import DeliveryContext, Handler, ProbedHandler, SinkProbe
from receiver.errors import TransportError


async def probe_sink(
    handler: Handler, opened: AbstractAsyncContextManager[DeliveryContext], seconds: float
) -> SinkProbe:
    """What came of it within so many seconds, with what `opened` lets a handler use; nothing is sent.

    A handler that cannot be tried without a message is taken to work.
    """
    if not isinstance(handler, ProbedHandler):
        return SinkProbe(works=True, said="is only tried by a message: `gridhook test` sends one")
    try:
        async with opened as context, asyncio.timeout(seconds):
            return await handler.probe(msgspec.structs.replace(context, timeout=seconds))
    except TimeoutError:
        return SinkProbe(works=False, said=f"no answer within {seconds:g} s")
    except TransportError as wrong:
        return SinkProbe(works=False, said=f"cannot be reached: {wrong}")
    except Exception as wrong:  # noqa: BLE001  # a handler may be anybody's code: what it raises is told
        return SinkProbe(works=False, said=f"the handler broke: {type(wrong).__name__}")
