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


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """A button that somebody pressed, as its platform tells it."""

    #: What the button carries.
    button: str
    #: Who pressed it, as `decided_by` tells it: `slack:U123 Ada`.
    by: str
    #: Whether it was pressed where the sink shows its messages: several sinks may share one platform account.
    is_own_channel: bool = True
    #: Whether this person may, by the sink's `deciders`.
    may_decide: bool = True


@runtime_checkable
class ButtonHandler(Protocol):
    """What a handler has beside, if its messages have buttons that a person can press."""

    @property
    def press_path(self) -> str | None:
        """Where its platform posts presses, such as "/slack/actions"; None = this one has no buttons after all."""
        ...

    def verify_press(self, headers: dict[str, str], body: bytes, now: int) -> None:
        """Raises Unverified unless the platform made this request (lower-case header names) at about `now` (Unix ms).

        Nothing of the body is parsed before. Constant time.
        """
        ...

    def read_press(self, body: bytes) -> Press:
        """The press in a verified request. Raises Unmapped if it is none."""
        ...


def press_path(handler: Handler) -> str | None:
    """Where presses of a handler's buttons come in; None = it has no buttons."""
    return handler.press_path if isinstance(handler, ButtonHandler) else None


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

    async def send(self, order: Order, source: Source, begin: Committed, clock: Clock) -> OrderOutcome:
        """Sends one order at most once. `begin` is awaited right before the paid call; False stops it."""
        ...
