"""The listening sink: keeps the events that arrive and checks their signatures, as a user's own service would."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from receiver.lib.signal import Signal
from receiver.lib.signatures import (
    Secret,
    standard_webhook_key,
    standard_webhook_signature,
)
from receiver.lib.times import Clock
from receiver.model.events import Event
from receiver.model.jobs import Job
from receiver.pretend.book import LIMIT
from receiver.pretend.receivers.post_collector import PostCollector, ReceivedPost

#: How far a signature's time may be from ours, seconds (Standard Webhooks leaves it to the receiver).
TOLERANCE: Final = 300
_EVENT: Final = msgspec.json.Decoder(Event)


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One post, read."""

    #: None if it is no event.
    event: Event | None
    #: Whether its signature is right.
    genuine: bool


class EventSink:
    """An ASGI application that takes events. `received` is what came, oldest first."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        """`clock` returns Unix ms."""
        self.received: Final[deque[ReceivedEvent]] = deque(maxlen=LIMIT)
        #: Called for each post.
        self.on_event: Callable[[ReceivedEvent], None] = lambda _: None
        self._inbox = PostCollector()
        self._key = standard_webhook_key(secret)
        self._clock = clock
        self._bell = Signal()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inbox.app(scope, receive, send)
        while self._inbox.posts:
            received = read(self._inbox.posts.popleft(), self._key, self._clock() // 1000)
            self.received.append(received)
            self.on_event(received)
            self._bell.ring()

    async def completed(self, job_id: str) -> Job:
        """Waits for the genuine event that this job is completed."""
        return await self._bell.until(lambda: next((job for job in self._completed() if job.id == job_id), None))

    def _completed(self) -> list[Job]:
        events = [received.event for received in self.received if received.genuine and received.event is not None]
        return [event.data for event in events if event.type == "job.completed"]


def read(post: ReceivedPost, key: bytes, now: int) -> ReceivedEvent:
    """Verifies and reads a post. `now` is Unix seconds. Never raises, whatever came."""
    genuine = _is_genuine(post, key, now)
    try:
        return ReceivedEvent(event=_EVENT.decode(post.raw), genuine=genuine)
    except (msgspec.MsgspecError, ValueError):
        return ReceivedEvent(event=None, genuine=genuine)


def _is_genuine(post: ReceivedPost, key: bytes, now: int) -> bool:
    """Whether one of the signatures is that of id, time and body, and the time is about now."""
    moment = post.headers.get("webhook-timestamp", "")
    if not (moment.isascii() and moment.isdigit() and len(moment) < 12) or abs(int(moment) - now) > TOLERANCE:
        return False
    wanted = standard_webhook_signature(key, post.headers.get("webhook-id", ""), int(moment), post.raw).encode()
    given = post.headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(wanted, one.encode("utf-8", "replace")) for one in given)
