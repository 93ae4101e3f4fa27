"""Handlers of sinks, and the sender of orders."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec

from receiver.contracts.http import ForeignClient, Transport
from receiver.contracts.options import NoOptions
from receiver.contracts.providers import Order, Source
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    OrderOutcome,
    Outcome,
    OutgoingEvent,
)


class DeliveryContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler may use while it delivers."""

    #: Carries calls out to where the operator says.
    transport: Transport
    #: Fetches what vendors name.
    foreign: ForeignClient
    #: Name of the sink that is delivered to.
    sink: str
    #: Where relative paths of the configuration start.
    folder: Path = Path()
    #: The present, Unix ms.
    clock: Clock
    #: Seconds that the try may take; the handler is interrupted after that.
    timeout: float


class Handler(Protocol):
    """Code that carries out deliveries to one kind of sink.

    A plug-in inherits from this class and has its defaults, or has everything here itself. `check` derives from this
    class what a plug-in must have: whatever it accepts, `serve` runs.
    """

    #: Keys of its own in `[sinks.NAME]`, beside the common ones; `receiver.contracts.options` judges them one by one.
    Options: ClassVar[type[msgspec.Struct]] = NoOptions
    #: Deliveries a second where the sink has no `rate`; None = as they come.
    default_rate: ClassVar[float | None] = None
    #: Deliveries at once where the sink has no `concurrency`.
    default_concurrency: ClassVar[int] = 16
    #: Seconds for one try where the sink has no `timeout`.
    default_timeout: ClassVar[float] = 15.0
    #: Whether it keeps copies of pictures.
    archives: ClassVar[bool] = False

    def __init__(self, options: Any) -> None:
        """Takes an instance of its own `Options` and does no I/O: it is called while the configuration is read.

        Raises OptionError, or an ExceptionGroup of them, for keys that cannot be used (together). Any other exception
        is told as a mistake of the sink as a whole.
        """
        ...

    @abstractmethod
    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome | None:
        """Brings one event to the sink, once, and returns what became of it: Delivered (or None), Again or Dead.

        Whatever else it returns or raises counts as Again: one try on the sink's schedule.
        """
        ...


@runtime_checkable
class FamilyHandler(Protocol):
    """What a handler has beside, if its messages about jobs of one family stand together."""

    @property
    def shows_families(self) -> bool:
        """Whether it wants to be told the ancestors of a job, and the first message about its family."""
        ...


class SinkProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What came of opening a sink without sending anything to it."""

    works: bool
    #: What was found, or what is wrong and how to mend it; one line, without secrets.
    said: str


@runtime_checkable
class ProbedHandler(Protocol):
    """What a handler has beside, if it can be tried without sending a message: `gridhook doctor` does."""

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Opens the sink as `deliver` would, and sends nothing that anybody sees. May raise TransportError."""
        ...


def shows_families(handler: Handler) -> bool:
    """Whether a handler is told about families."""
    return isinstance(handler, FamilyHandler) and handler.shows_families


class Sink(msgspec.Struct, frozen=True, kw_only=True):
    """A configured way out."""

    name: str
    handler: Handler
    #: As the configuration names it: a short name or `package.module:Class`.
    handler_name: str = ""
    #: Waits between tries, seconds; spent = dead letter.
    retry: tuple[float, ...] = (5, 30, 120, 600, 3600, 21_600, 86_400)
    #: Seconds for one try.
    timeout: float = 15.0
    concurrency: int = 16
    #: Deliveries a second; None = as they come.
    rate: float | None = None
    #: After so many failures in a row it is paused, and probed.
    pause_after: int = 20


#: Called by the order handler right before the paid call: commits `submitting`. False = it is no longer ours to send.
Committed = Callable[[], Awaitable[bool]]


class OrderSender(Protocol):
    """Code that brings planned jobs to their vendors."""

    async def send(
        self, order: Order, source: Source, begin: Committed, may_go: Callable[[], bool], clock: Clock
    ) -> OrderOutcome:
        """Sends one order at most once. `begin` is awaited right before the paid call; False stops it.

        `may_go` is asked once more right before its first byte: whether the order is still this process's to send.
        """
        ...
