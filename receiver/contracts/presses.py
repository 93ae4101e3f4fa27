"""Buttons that people press at chat platforms: how presses come in, and how who pressed is told what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

import msgspec

from receiver.contracts.handlers import Handler
from receiver.contracts.http import CallNetwork, Transport
from receiver.lib.times import Clock


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
    #: Where this person can be told something, in the handler's own words; empty = nowhere.
    reply_to: str = ""


@runtime_checkable
class ButtonHandler(Protocol):
    """What a handler has beside, if its platform posts presses of its buttons to us."""

    @property
    def press_path(self) -> str | None:
        """Where its platform posts presses, such as "/slack/actions"; None = this one has none posted after all."""
        ...

    def verify_press(self, headers: dict[str, str], body: bytes, now: int) -> None:
        """Raises Unverified unless the platform made this request (lower-case header names) at about `now` (Unix ms).

        Nothing of the body is parsed before. Constant time.
        """
        ...

    def read_press(self, body: bytes) -> Press:
        """The press in a verified request. Raises Unmapped if it is none."""
        ...


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform is answered to a request of its own."""

    #: JSON.
    body: bytes
    #: Whether the request only asks if we are there, so that this answer is all.
    is_probe: bool = False


@runtime_checkable
class Acknowledger(Protocol):
    """What a `ButtonHandler` has beside, if its platform wants a body in the answer, whatever came of the press.

    Who pressed hears of a refusal by `PressReplier` then.
    """

    def acknowledge(self, body: bytes) -> Acknowledgement:
        """The answer to a verified request. Raises Unmapped if it is none that there is an answer to."""
        ...


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler may use while it listens to its platform."""

    transport: Transport
    #: How calls get out, for a connection of another kind than HTTP.
    network: CallNetwork
    #: The present, Unix ms.
    clock: Clock
    #: Does what a message of the platform says, for all sinks that share the account; returns once that is on disk.
    #: Raises StoreUnavailable if it cannot be kept now: then it is not acknowledged.
    take: Callable[[bytes], Awaitable[None]]
    #: To be called each time that the platform has let us in.
    connected: Callable[[], None]


@runtime_checkable
class PressListener(Protocol):
    """What a handler has beside, if it asks its platform for presses: that needs no public address."""

    @property
    def listens_as(self) -> str | None:
        """What tells one account from another: sinks with the same share one connection. None = it does not listen.

        It may hold a secret, and is never shown.
        """
        ...

    async def listen(self, listening: Listening) -> None:
        """Listens until it is cancelled.

        Raises TransportError for what may pass, ListeningRefused for what only a person can put right.
        """
        ...

    def read_heard(self, body: bytes, now: int) -> Press:
        """The press in a message that was heard. Raises Unmapped if it is none.

        Raises Unverified for one from more than five minutes away from `now` (Unix ms).
        """
        ...


@runtime_checkable
class PressReplier(Protocol):
    """What a handler has beside, if it can tell who pressed what came of it."""

    async def reply_to_press(self, pressed: Press, words: str, transport: Transport) -> None:
        """Tells plain words to the one who pressed, and to nobody else. Raises TransportError.

        Empty words: it is done, and the message itself tells; there is nothing to say but that.
        """
        ...


def press_path(handler: Handler) -> str | None:
    """Where presses of a handler's buttons are posted; None = nowhere."""
    return handler.press_path if isinstance(handler, ButtonHandler) else None


def listens_as(handler: Handler) -> str | None:
    """The account that a handler listens as; None = it does not listen."""
    return handler.listens_as if isinstance(handler, PressListener) else None


def has_buttons(handler: Handler) -> bool:
    """Whether people can press buttons in a handler's messages."""
    return press_path(handler) is not None or listens_as(handler) is not None
