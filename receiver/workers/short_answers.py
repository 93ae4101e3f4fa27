"""Answers of sinks are bounded: whatever one sends back, it costs the others nothing that they would notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from receiver.contracts import Answer, Call, Transport

#: Bytes that an answer may have: chats tell the message that they show, and nobody tells more.
MAX_SINK_ANSWER: Final = 1024 * 1024


class ShortAnswers:
    """A `receiver.contracts.Transport` for sinks: a longer answer is none (AnswerTooLong)."""

    def __init__(self, transport: Transport) -> None:
        """`transport` carries the calls."""
        self._transport = transport

    async def send(
        self, call: Call, seconds: float, *, paid: bool = False, may_go: Callable[[], bool] | None = None
    ) -> Answer:
        """The answer to a call within so many seconds: see `receiver.contracts.Transport.send`."""
        if call.max_answer is None:
            call = msgspec.structs.replace(call, max_answer=MAX_SINK_ANSWER)
        return await self._transport.send(call, seconds, paid=paid, may_go=may_go)

    async def connect(self, url: str, seconds: float) -> str:
        """Opens a connection and closes it: see `receiver.contracts.Transport.connect`."""
        return await self._transport.connect(url, seconds)
