"""The listening sink: keeps the events that arrive and checks their signatures, as a user's own service would."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from receiver.lib.signatures import (
    Secret,
    standard_webhook_key,
    standard_webhook_signature,
)
from receiver.lib.times import Clock
from receiver.model.events import Event
from receiver.model.jobs import Job
from receiver.pretend.bell import Bell
from receiver.pretend.book import LIMIT
from receiver.pretend.inbox import Inbox, Letter

#: How far a signature's time may be from ours, seconds (Standard Webhooks leaves it to the receiver).
TOLERANCE: Final = 300
_EVENT: Final = msgspec.json.Decoder(Event)


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One letter, read."""

    #: None if it is no event.
    event: Event | None
    #: Whether its signature is right.
    genuine: bool


class Listener:
    """An ASGI application that takes events. `heard` is what came, oldest first."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        """`clock` gives Unix ms."""
        self.heard: Final[deque[Heard]] = deque(maxlen=LIMIT)
        #: Called for each letter.
        self.noted: Callable[[Heard], None] = lambda _: None
        self._inbox = Inbox()
        self._key = standard_webhook_key(secret)
        self._clock = clock
        self._bell = Bell()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call."""
        await self._inbox.app(scope, receive, send)
        while self._inbox.letters:
            heard = read(self._inbox.letters.popleft(), self._key, self._clock() // 1000)
            self.heard.append(heard)
            self.noted(heard)
            self._bell.ring()

    async def completed(self, job_id: str) -> Job:
        """Waits for the genuine event that this job is completed."""
        return await self._bell.until(lambda: next((job for job in self._completed() if job.id == job_id), None))

    def _completed(self) -> list[Job]:
        events = [heard.event for heard in self.heard if heard.genuine and heard.event is not None]
        return [event.data for event in events if event.type == "job.completed"]


def read(letter: Letter, key: bytes, now: int) -> Heard:
    """Verifies and reads a letter. `now` is Unix seconds. Never raises, whatever came."""
    genuine = _is_genuine(letter, key, now)
    try:
        return Heard(event=_EVENT.decode(letter.raw), genuine=genuine)
    except (msgspec.MsgspecError, ValueError):
        return Heard(event=None, genuine=genuine)


def _is_genuine(letter: Letter, key: bytes, now: int) -> bool:
    """Whether one of the signatures is that of id, time and body, and the time is about now."""
    moment = letter.headers.get("webhook-timestamp", "")
    if not (moment.isascii() and moment.isdigit() and len(moment) < 12) or abs(int(moment) - now) > TOLERANCE:
        return False
    wanted = standard_webhook_signature(key, letter.headers.get("webhook-id", ""), int(moment), letter.raw).encode()
    given = letter.headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(wanted, one.encode("utf-8", "replace")) for one in given)
