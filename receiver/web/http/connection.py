"""One connection: its requests are read whole, each within bounds, and answered one after the other."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from receiver.web.http.incoming import Headers, IncomingRequest
from receiver.web.http.limits import MAX_WAITING, PIECE, WAITING_COST
from receiver.web.http.reader import RequestReader
from receiver.web.http.replies import CONTINUE, HttpReply, reply_to, wire
from receiver.web.problems import Refusal

if TYPE_CHECKING:
    from receiver.web.http.connections import Connections

NEVER: Final = math.inf
CUT_SHORT: Final = Refusal(400, "cut_short", "the sender hung up before the request was whole")


class Connection(asyncio.Protocol):
    """A connection of the HTTP server.

    Requests come in (`_reader`), one is at work, and what came right behind it waits. Once nothing more is taken
    (`_is_over`), whatever still comes in is dropped.
    """

    __slots__ = (
        "_at_work",
        "_awaited",
        "_connections",
        "_drain_until",
        "_drained",
        "_ending",
        "_held",
        "_is_half_closed",
        "_is_over",
        "_is_paused",
        "_is_trusted",
        "_limits",
        "_reader",
        "_rest",
        "_transport",
        "_waiting",
        "_writable",
        "deadline",
        "is_gone",
        "peer",
        "port",
        "server",
    )

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._limits = connections.limits
        self._reader = RequestReader(connections.limits, self)
        self._at_work: IncomingRequest | None = None
        self._waiting: deque[IncomingRequest] = deque()
        #: What came in and is not read yet, since too many requests wait.
        self._rest = b""
        self._is_paused = False
        #: What the deadline is for: the request whose body is coming in, True for a head, else nothing of these.
        self._awaited: IncomingRequest | bool | None = None
        #: When what is waited for takes too long, by the server's `now`.
        self.deadline = NEVER
        #: What is counted as unread for it, bytes.
        self._held = 0
        self._is_over = False
        #: How much was dropped, bytes, and until when that goes on after the last answer, by the server's `now`.
        self._drained = 0
        self._drain_until: float | None = None
        self._is_half_closed = False
        self.is_gone = False
        #: Set once the other side reads again; None while it does.
        self._writable: asyncio.Event | None = None
        #: Set once the answer at work is over, or the other side is gone, if somebody wants to know.
        self._ending: asyncio.Event | None = None

    # --- asyncio's and uvicorn's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        # uvloop's transports are of a class of their own.
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer: tuple[str, int] = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else ("", 0)
        server = transport.get_extra_info("sockname")
        self.server: tuple[str, int] | None = (str(server[0]), int(server[1])) if isinstance(server, tuple) else None
        self.port = self.server[1] if self.server is not None else 0
        self._is_trusted = self._connections.senders.trusts(self.peer[0])
        self.deadline = self._connections.now() + self._limits.head_seconds
        if not self._connections.opened(self):
            self.refuse(Refusal(503, "too_many_connections", "there are too many connections", {"retry-after": "5"}))

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if self._is_over:
            self._drop(len(data))
        elif self._rest:
            self._rest += data
        else:
            self._read(data)

    def eof_received(self) -> bool:
        """The other side sends nothing more; True = it may still be answered."""
        self._is_half_closed = True
        if not self._is_over and (self._reader.arriving is not None or self._reader.in_head):
            self.refuse(CUT_SHORT)
        return self._drain_until is None and (self._at_work is not None or bool(self._waiting))

    def connection_lost(self, _wrong: Exception | None) -> None:
        """The other side is gone. What it sent as a whole is worked in all the same."""
        self.is_gone = True
        arriving = self._reader.arriving
        if arriving is not None and not self._is_over:
            self._connections.refused(arriving, CUT_SHORT)
        self._is_over = True
        self._reader.arriving = None
        self._reader.in_head = False
        self._rest = b""
        self._waiting = deque(request for request in self._waiting if request.is_webhook and request.reply is None)
        self._count()
        if self._ending is not None:
            self._ending.set()
        self.resume_writing()
        self._connections.closed(self)

    def pause_writing(self) -> None:
        """The other side does not read."""
        self._writable = asyncio.Event()
        self.deadline = self._connections.now() + self._limits.reader_seconds

    def resume_writing(self) -> None:
        """The other side reads again."""
        if self._writable is None:
            return
        self._writable.set()
        self._writable = None
        self.deadline = NEVER
        if self._at_work is None:
            self._go_on()

    def shutdown(self) -> None:
        """The server stops: what is at work is answered, what is unfinished has little time, what rests is closed."""
        self._connections.stopping = True
        if self._at_work is not None or self._waiting:
            return
        if self._reader.held or self._drain_until is not None:
            self.deadline = min(self.deadline, self._connections.now() + self._connections.stop_seconds)
        else:
            self._transport.close()

    # --- for the reader

    def sender_of(self, headers: Headers) -> str:
        """The address of who sent a request with these headers."""
        return self._connections.senders.sender(self.peer[0], headers) if self._is_trusted else self.peer[0]

    def arrived(self, request: IncomingRequest) -> None:
        """A request is here as a whole."""
        if self._is_over:
            return
        self._is_over = not request.keep_alive
        self._take(request)

    # --- for what answers

    @property
    def is_trusted(self) -> bool:
        """True if the other end is a trusted proxy."""
        return self._is_trusted

    @property
    def default_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """The headers of every answer."""
        return self._connections.state.default_headers

    def write(self, data: bytes) -> None:
        """Sends some of an answer."""
        if not self.is_gone:
            self._transport.write(data)

    async def writable(self) -> None:
        """Waits until the other side reads what it was sent."""
        if self._writable is not None:
            await self._writable.wait()

    async def ended(self) -> None:
        """Waits until the answer at work is over, or the other side is gone."""
        if self._ending is None:
            self._ending = asyncio.Event()
        await self._ending.wait()

    def reply(self, request: IncomingRequest, reply: HttpReply) -> None:
        """Sends a whole answer."""
        self.is_last(request)
        bodiless = request.method == "HEAD"
        self.write(wire(reply, self.default_headers, keep_alive=request.keep_alive, bodiless=bodiless))
        self.answered(request)

    def is_last(self, request: IncomingRequest) -> bool:
        """True if the connection ends with the answer to this request."""
        if self._connections.stopping and not self._waiting:
            request.keep_alive = False
        return not request.keep_alive

    def answered(self, request: IncomingRequest) -> None:
        """The answer to a request is sent."""
        self._at_work = None
        self._connections.state.total_requests += 1
        if self._ending is not None:
            self._ending.set()
            self._ending = None
        if self._held:
            self._count()
        if not request.keep_alive and not self.is_gone:
            self._end()
        elif self._waiting or self._is_paused or self._writable is not None:
            self._go_on()
        elif not self.is_gone:
            self._rest_now()

    def break_off(self) -> None:
        """Ends it in the midst of an answer: what was sent of it goes out, and nothing more."""
        self._is_over = True
        self._transport.close()

    # --- for the server's bounds

    @property
    def unfinished(self) -> int:
        """How much of an unfinished request it holds, bytes; 0 = it has none."""
        return self._reader.held if not self._is_over else 0

    def make_way(self) -> None:
        """Closes it: it has no request, and another connection needs its place."""
        self._is_over = True
        self._transport.abort()

    def expire(self) -> None:
        """What was waited for takes too long."""
        stopping = self._connections.stopping
        if self._drain_until is not None or self._writable is not None:
            self._transport.abort()
        elif not self.unfinished:
            self._transport.close()
        elif stopping:
            self.refuse(Refusal(503, "stopping", "gridhook stops; send it again", {"retry-after": "5"}))
        elif self._reader.in_head:
            detail = f"the head of the request did not arrive within {self._limits.head_seconds:g} s"
            self.refuse(Refusal(408, "head_too_slow", detail))
        else:
            detail = f"the body did not arrive within {self._limits.body_seconds:g} s"
            self.refuse(Refusal(408, "too_slow", detail))

    def refuse(self, refusal: Refusal) -> None:
        """Ends the connection with this answer to the unfinished request, after those that are due before it."""
        request = self._reader.arriving
        if request is None:  # no head that could be read
            self._end_with(IncomingRequest("", b"/", "1.1", [], self.peer[0]), reply_to(refusal))
        else:
            self._end_with(request, self._connections.refused(request, refusal))

    # --- inside

    def _read(self, data: bytes) -> None:
        reader = self._reader
        try:
            if len(data) <= PIECE:
                reader.feed(data)
            else:
                self._read_pieces(data)
        except Refusal as no:
            if not self._is_over:
                self.refuse(no)
            return
        if reader.arriving is not None or reader.in_head or self._waiting:
            self._wait_for_more()

    def _read_pieces(self, data: bytes) -> None:
        view = memoryview(data)
        for at in range(0, len(data), PIECE):
            if self._is_over:
                self._drop(len(data) - at)
                break
            if len(self._waiting) > MAX_WAITING:
                self._rest = bytes(view[at:])
                break
            self._reader.feed(view[at : at + PIECE])

    def _wait_for_more(self) -> None:
        """Something is unfinished, or waits: it is bounded."""
        if len(self._waiting) > MAX_WAITING and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        if not self._is_over:
            self._await_input()
        self._count()
        if self._connections.is_overloaded():
            self._connections.relieve(self)

    def _await_input(self) -> None:
        """Sets the deadline for what is coming in, and looks at a head before its body is here."""
        request = self._reader.arriving
        awaited = request or self._reader.in_head or None
        if awaited is self._awaited:
            return
        self._awaited = awaited
        if request is not None:
            self._connections.load.without_request.pop(self, None)
            reply = self._connections.head_refusal(request)
            if reply is not None:
                self._end_with(request, reply)
                return
        if self._at_work is not None:
            return
        if request is not None:
            self._tell_to_go_on(request)
            self.deadline = self._connections.now() + self._limits.body_seconds
        elif awaited:
            self.deadline = min(self.deadline, self._connections.now() + self._limits.head_seconds)

    def _tell_to_go_on(self, request: IncomingRequest) -> None:
        if request.expects and not request.size:
            self.write(CONTINUE)
        request.expects = False

    def _take(self, request: IncomingRequest) -> None:
        """Has a request answered, after those before it."""
        if self._at_work is None and self._writable is None and not self._waiting:
            self._begin(request)
        else:
            self._waiting.append(request)

    def _begin(self, request: IncomingRequest) -> None:
        self._at_work = request
        self._awaited = None
        self.deadline = NEVER
        self._connections.load.without_request.pop(self, None)
        if request.reply is not None:
            self.reply(request, request.reply)
        else:
            self._connections.answer(self, request)

    def _go_on(self) -> None:
        """Begins with what waits, reads what is here, or rests."""
        if self._at_work is not None or self._writable is not None:
            return
        if self._waiting:
            self._begin(self._waiting.popleft())
        if self._is_paused and len(self._waiting) <= MAX_WAITING // 2 and not self.is_gone:
            self._is_paused = False
            self._transport.resume_reading()
            rest, self._rest = self._rest, b""
            self._read(rest)
        if self._is_free():
            self._rest_now()

    def _is_free(self) -> bool:
        """True if nothing is to be answered, and it goes on."""
        has_work = self._at_work is not None or bool(self._waiting)
        return not (has_work or self.is_gone or self._drain_until is not None)

    def _rest_now(self) -> None:
        """Nothing is at work."""
        reader = self._reader
        if reader.arriving is None:
            self._connections.load.without_request[self] = None
        if reader.arriving is not None or reader.in_head:
            self._awaited = None
            self._await_input()
        elif self._is_half_closed:
            self._transport.close()
        else:
            self.deadline = self._connections.now() + self._limits.keep_alive

    def _end_with(self, request: IncomingRequest, reply: HttpReply) -> None:
        self._is_over = True
        self._reader.arriving = None
        self._reader.in_head = False
        request.keep_alive = False
        request.reply = reply
        request.pieces = []
        request.size = 0
        self._count()
        self._take(request)

    def _end(self) -> None:
        """The last answer is sent. What the other side still sends is read, or it would lose the answer (RST)."""
        self._is_over = True
        self._waiting.clear()
        if self._is_half_closed or not self._transport.can_write_eof():
            self._transport.close()
            return
        now = self._connections.now()
        self._transport.write_eof()
        self._drain_until = now + self._limits.drain_seconds
        self.deadline = now + self._limits.quiet_seconds
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _drop(self, size: int) -> None:
        self._drained += size
        if self._drain_until is not None:
            self.deadline = min(self._connections.now() + self._limits.quiet_seconds, self._drain_until)
        if self._drained <= self._limits.drain_bytes:
            return
        if self._drain_until is not None:
            self._transport.abort()
        elif not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _count(self) -> None:
        """Counts what it holds of requests that are not answered yet."""
        held = self._reader.held + len(self._rest) + (self._at_work.size if self._at_work is not None else 0)
        for request in self._waiting:
            held += request.size + WAITING_COST
        self._connections.load.unread += held - self._held
        self._held = held
