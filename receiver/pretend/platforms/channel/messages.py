"""What a channel's page shows: messages, their pictures and their buttons, as plain text of whatever platform."""

from __future__ import annotations

from typing import Final

import msgspec


class ChannelPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who looks at the channel and presses buttons."""

    id: str
    name: str


class ChannelButton(msgspec.Struct, frozen=True, kw_only=True):
    """A button below a message."""

    #: What tells it from the other buttons of its message.
    id: str
    label: str
    #: What is asked before the press counts; empty = nothing is.
    confirm: str = ""


class ChannelMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as people see it. All text in it is shown as text."""

    id: str
    author: str
    #: When it was posted, Unix ms.
    at: int
    lines: tuple[str, ...] = ()
    #: Names of its pictures, for `ChannelPage`'s `picture`.
    pictures: tuple[str, ...] = ()
    rows: tuple[tuple[ChannelButton, ...], ...] = ()
    #: Id of the message below which it stands, in a thread; None = it stands in the channel itself.
    thread: str | None = None
    is_edited: bool = False
    #: Id of the only person who sees it; None = everybody does.
    only_for: str | None = None


class ChannelPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that the platform has a copy of."""

    #: Its media type; what is no picture is not shown.
    type: str
    body: bytes


#: Those who look at a pretend channel, where the platform has nobody of its own.
PEOPLE: Final = (ChannelPerson(id="U0000ADA", name="Ada"), ChannelPerson(id="U0000BEA", name="Bea"))
