"""One HTTP/1.1 connection: one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from handlers.http.bodies import Unreadable
from handlers.http.reading import AnswerReader
from receiver.contracts import Answer
from receiver.errors import AnswerTooLong, NoAnswer, NotSent

#: A longer request may still be on its way when its answer is here (with TLS nothing tells), so no other follows it.
LONG_REQUEST: Final = 64 * 1024


class ClosedInSilence(NoAnswer):
    """The other side closed the connection without a byte of an answer."""


class ClientConnection(asyncio.Protocol):
    """An open connection. Made by the event loop; carries calls by `exchange`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, max_answer: int, when_lost: Callable[[ClientConnection], None]
    ) -> None:
        """`max_answer` is the most bytes that an answer's body may have; `when_lost` is told once it is gone."""
        self._loop = loop
        self._reader = AnswerReader(max_answer)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._when_lost = when_lost
        self._sends_long = False
        #: When it was opened, by the event loop's clock.
        self.opened_at = loop.time()

    @property
    def is_open(self) -> bool:
        """Whether a call may go out on it."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def idle(self) -> bool:
        """Whether no call is on it."""
        return self._waiter is None

    @property
    def reusable(self) -> bool:
        """Whether another call may follow the one that was answered."""
        return self.is_open and self._reader.reusable and not self._is_sending()

    async def exchange(self, request: bytes, deadline: float, max_answer: int | None = None) -> Answer:
        """The answer to a request, by a moment of the event loop's clock; its body may have `max_answer` bytes.

        Raises NotSent if it is closed already or no time is left, else NoAnswer (ClosedInSilence if the other side
        closed it without a byte). It is closed then, and when it is cancelled.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise NotSent("the connection was closed before the request")
        if deadline <= self._loop.time():
            raise NotSent("no time was left for the request")
        self._reader.expect(max_answer)
        self._sends_long = len(request) > LONG_REQUEST
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_at(deadline, self._fail, NoAnswer("no answer in time"))
        # From here on the other side may have it.
        transport.write(request)
        try:
            answer: Answer = await waiter
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._waiter = None
            timer.cancel()
        return answer

    def close(self) -> None:
        """Closes it in good order; to be called between two calls."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._is_sending():  # nobody would wait until that is out
            self._transport.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Closes it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _is_sending(self) -> bool:
        """Whether some of the request may not be out yet."""
        return self._sends_long or (self._transport is not None and self._transport.get_write_buffer_size() > 0)

    def _fail(self, wrong: NoAnswer) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(wrong)
        self.abort()

    def _answered(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._reader.answer())

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open, with TLS if there is any."""
        # uvloop's transports are of a class of their own.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        if self._waiter is None or self._waiter.done():  # nobody asked for it
            self._reader.reusable = False
            self.abort()
            return
        try:
            self._reader.feed(data)
        except Unreadable as wrong:
            self._fail(AnswerTooLong(str(wrong)) if self._reader.too_long else NoAnswer(str(wrong)))
            return
        if self._reader.complete:
            self._answered()

    def eof_received(self) -> None:
        """The other side says nothing more; the transport closes itself then."""
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._ended(exc)
        self._transport = None
        self._when_lost(self)

    def _ended(self, exc: Exception | None) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if self._reader.silent:
            self._fail(ClosedInSilence("the connection was closed without an answer"))
        elif exc is not None:
            self._fail(NoAnswer("the connection broke before the answer was complete"))
        else:
            try:
                self._reader.end()
            except Unreadable as wrong:
                self._fail(NoAnswer(str(wrong)))
            else:
                self._answered()
