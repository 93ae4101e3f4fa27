"""Handlers of sinks, and the sender of orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol

import msgspec

from receiver.contracts.providers import Order, Source
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    OrderOutcome,
    Outcome,
    OutgoingEvent,
)


class Handler(Protocol):
    """Code that carries out deliveries to one kind of sink."""

    #: Keys of its own in `[sinks.NAME]`.
    Options: ClassVar[type[msgspec.Struct]]

    async def deliver(self, parcel: OutgoingEvent) -> Outcome:
        """Brings one event to the sink, once, and says what became of it. Exceptions count as Again."""
        ...


class Sink(msgspec.Struct, frozen=True, kw_only=True):
    """A configured way out."""

    name: str
    handler: Handler
    #: Waits between tries, seconds; spent = dead letter.
    retry: tuple[float, ...] = (5, 30, 120, 600, 3600, 21_600, 86_400)
    #: Seconds for one try.
    timeout: float = 15.0
    concurrency: int = 4
    #: Deliveries a second; None = as they come.
    rate: float | None = None
    #: After so many failures in a row it is paused, and probed.
    pause_after: int = 20


#: Called by the order handler right before the paid call: commits `submitting`. False = it is no longer ours to send.
Committed = Callable[[], Awaitable[bool]]


class OrderSender(Protocol):
    """Code that brings planned jobs to their vendors."""

    async def send(self, order: Order, source: Source, begin: Committed, clock: Clock) -> OrderOutcome:
        """Sends one order at most once. `begin` is awaited right before the paid call; False stops it."""
        ...
