"""Events on their way to all who listen: read once, framed once, however many streams are open."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from functools import partial
from itertools import islice
from time import monotonic
from typing import Final, NamedTuple

import msgspec
import structlog
from starlette.types import Receive, Send

from receiver.contracts import (
    Store,
    Transaction,
    Watch,
)
from receiver.errors import StoreUnavailable
from receiver.lib import ids
from receiver.web.api.waiting import news

log = structlog.get_logger("web")

#: Events that are read, and sent, at a time: all that a slow reader makes us remember.
BATCH: Final = 50
#: The newest events, which all listeners share; who is further behind reads for itself.
WINDOW: Final = 4 * BATCH
#: Different wishes for which the newest events are remembered in one piece.
PIECES: Final = 16
#: Rest after a round for each listener, seconds: a thousand of them leave most of the processor to the webhooks.
REST: Final = 0.0001
#: Listeners that are served before others have a turn on the event loop.
TOGETHER: Final = 50
#: The longest between two looks for listeners that have heard nothing for too long, seconds.
TICK: Final = 1.0
STILL_HERE: Final = b": still here\n\n"


class StreamFilter(NamedTuple):
    """Which events a stream carries; None = all."""

    type: object = None
    source: object = None


class FramedEvent(NamedTuple):
    """An event as a stream carries it."""

    number: int
    type: str
    source: str
    frame: bytes

    def is_for(self, wanted: StreamFilter) -> bool:
        """Whether a stream of these wishes carries it."""
        return wanted.type in (None, self.type) and wanted.source in (None, self.source)


class StreamListener:
    """An open stream: how far it is, and how it is spoken to. There may be thousands, so it is small."""

    __slots__ = ("after", "ended", "send", "spoke_at", "task", "wanted")

    def __init__(self, send: Send, wanted: StreamFilter, after: int, now: float) -> None:
        self.send = send
        self.wanted = wanted
        #: The number of the last event that was looked at for it.
        self.after = after
        self.spoke_at = now
        self.ended = False
        #: What speaks to it right now.
        self.task: asyncio.Task[None] | None = None


class RecentEvents:
    """The newest events, without a gap, for everybody who is no further behind.

    They are in the order of their commits, which need not be that of their numbers where several processes write.
    """

    def __init__(self) -> None:
        self._frames: deque[FramedEvent] = deque()
        self._pieces: dict[tuple[int, StreamFilter], tuple[int, bytes]] = {}
        self.begin(0)

    def begin(self, number: int) -> None:
        """Everything up to this event is older."""
        self._frames.clear()
        self._pieces.clear()
        #: The last event, and the one before all that are here.
        self.until = self._since = number
        #: How many events have been here, and how many of them had been once this one was.
        self._count = 0
        self._places = {number: 0}

    def add(self, frames: Iterable[FramedEvent]) -> None:
        """Takes the events that follow."""
        self._pieces.clear()
        for framed in frames:
            self._frames.append(framed)
            self._count += 1
            self._places[framed.number] = self._count
            self.until = framed.number
        while len(self._frames) > WINDOW:
            del self._places[self._since]
            self._since = self._frames.popleft().number

    def piece(self, after: int, wanted: StreamFilter) -> tuple[int, bytes] | None:
        """How far the next piece reaches and what of it is wanted, shared by all who are there.

        None: the event is not among these, nor the one before them.
        """
        place = self._places.get(after)
        if place is None:
            return None
        found = self._pieces.get((after, wanted))
        if found is None:
            if len(self._pieces) >= PIECES:
                self._pieces.clear()
            passed = place - (self._count - len(self._frames))
            later = list(islice(self._frames, passed, passed + BATCH))
            reach = later[-1].number if later else after
            found = self._pieces[after, wanted] = (reach, joined(later, wanted))
        return found


class Broadcast:
    """Brings every event to every listener. It runs only while there are any.

    A listener is a coroutine that waits for its caller to go, and nothing else: no task, timer or watch of its own
    unless it is being spoken to.
    """

    def __init__(self, store: Store, stopping: asyncio.Event, keep_alive: float) -> None:
        self._store = store
        self._stopping = stopping
        self._keep_alive = keep_alive
        self._newest = RecentEvents()
        self._listeners: set[StreamListener] = set()
        self._run: asyncio.Task[None] | None = None

    async def carry(self, receive: Receive, send: Send, wanted: StreamFilter, after: int) -> None:
        """Sends what is wanted of the events after a number, until the caller goes or the process ends."""
        listener = StreamListener(send, wanted, after, monotonic())
        self._listeners.add(listener)
        if self._run is None:
            self._run = asyncio.create_task(self._follow(self._store.watch()))
        self._nudge(listener)
        try:
            # Once the last piece is sent, this says so too.
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._forget(listener)

    def _forget(self, listener: StreamListener) -> None:
        self._listeners.discard(listener)
        if listener.task is not None:
            listener.task.cancel()
        if not self._listeners and self._run is not None:
            self._run.cancel()
            self._run = None

    async def _follow(self, watch: Watch) -> None:
        try:
            self._newest.begin(await self._store.read(newest))
            while not self._stopping.is_set():
                await self._round()
                await news(watch, self._stopping, min(TICK, self._keep_alive))
                await asyncio.sleep(len(self._listeners) * REST)
        except StoreUnavailable as wrong:
            # The callers come back with Last-Event-ID and miss nothing.
            log.error("stream.ended", reason=str(wrong))
        except Exception:
            log.exception("stream.broke")
        finally:
            watch.close()
        self._run = None
        for listener in self._listeners:
            listener.ended = True
            self._nudge(listener)

    async def _round(self) -> None:
        more = True
        while more:
            bodies = await self._store.read(partial(following, self._newest.until))
            self._newest.add(framed(bodies))
            more = len(bodies) == BATCH
            for place, listener in enumerate(tuple(self._listeners), 1):
                self._nudge(listener)
                if place % TOGETHER == 0:
                    await asyncio.sleep(0)

    def _nudge(self, listener: StreamListener) -> None:
        """Has a listener spoken to, unless that is going on, or there is nothing to say."""
        if listener.task is None and (listener.ended or not self._told(listener)):
            listener.task = asyncio.create_task(self._speak(listener))

    def _told(self, listener: StreamListener) -> bool:
        """Whether it has heard all that it wants, and something not long ago."""
        found = self._newest.piece(listener.after, listener.wanted)
        if found is not None and not found[1]:
            listener.after = found[0]
        return listener.after == self._newest.until and not self._silent(listener)

    def _silent(self, listener: StreamListener) -> bool:
        return monotonic() - listener.spoke_at >= self._keep_alive

    async def _speak(self, listener: StreamListener) -> None:
        try:
            while not listener.ended and (piece := await self._next(listener)):
                listener.spoke_at = monotonic()
                await listener.send({"type": "http.response.body", "body": piece, "more_body": True})
        except StoreUnavailable as wrong:
            log.error("stream.ended", reason=str(wrong))
            listener.ended = True
        except Exception:
            log.exception("stream.broke")
            listener.ended = True
        if listener.ended:
            await listener.send({"type": "http.response.body", "body": b"", "more_body": False})
        listener.task = None

    async def _next(self, listener: StreamListener) -> bytes:
        """What is to be said next; nothing if all is said."""
        while listener.after != self._newest.until:
            found = self._newest.piece(listener.after, listener.wanted) or await self._older(listener)
            if found is None:  # it knows more than all others were told so far
                break
            listener.after = found[0]
            if found[1]:
                return found[1]
        return STILL_HERE if self._silent(listener) else b""

    async def _older(self, listener: StreamListener) -> tuple[int, bytes] | None:
        """A piece like those of the newest, read for this listener alone; None if nothing follows."""
        frames = framed(await self._store.read(partial(following, listener.after)))
        return (frames[-1].number, joined(frames, listener.wanted)) if frames else None


def framed(bodies: Iterable[bytes]) -> list[FramedEvent]:
    """Kept events as streams carry them."""
    heads = [(HEAD.decode(body), body) for body in bodies]
    return [
        FramedEvent(
            head.number,
            head.type,
            head.source.removeprefix("gridhook/"),
            b"id: %s\nevent: %s\ndata: %s\n\n" % (head.id.encode(), head.type.encode(), body),
        )
        for head, body in heads
    ]


def joined(frames: Iterable[FramedEvent], wanted: StreamFilter) -> bytes:
    """Those that are wanted, in one piece."""
    return b"".join(one.frame for one in frames if one.is_for(wanted))


def following(number: int, tx: Transaction) -> list[bytes]:
    """The next events after a number."""
    return tx.events_after(number, BATCH)


def newest(tx: Transaction) -> int:
    """The number of the event behind which the next ones will come; 0 if there is none."""
    return tx.newest_event()


class EventHead(msgspec.Struct, frozen=True, kw_only=True):
    """What must be read of a kept event to list or to stream it."""

    id: str
    type: str
    source: str

    @property
    def number(self) -> int:
        """The database's number of the event."""
        return ids.read("evt", self.id) or 0


HEAD: Final = msgspec.json.Decoder(EventHead)
