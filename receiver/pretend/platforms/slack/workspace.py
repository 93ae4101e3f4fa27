"""What the pretend workspace holds: messages, files, and what clients did wrong."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any, Final, TypeVar

import msgspec

from receiver.lib.times import Clock
from receiver.pretend.platforms.channel.messages import ChannelPicture

T = TypeVar("T")

TEAM: Final = "T0PRETEND"
APP: Final = "A0PRETEND"
#: The bot's own user.
BOT: Final = "U0GRIDHOOK"
#: Messages and files that are kept, the newest.
MOST_KEPT: Final = 1000


class SlackOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the pretend Slack is set up, and how it behaves."""

    token: str = "xoxb-pretend"  # noqa: S105  # everybody may know those of a pretend workspace
    app_token: str = "xapp-pretend"  # noqa: S105
    signing_secret: str = "a-signing-secret-of-slack"  # noqa: S105
    channel: str = "C0PRETEND1"
    channel_name: str = "pictures"
    #: Where presses are posted while no Socket Mode connection is open; None = nowhere.
    request_url: str | None = None
    #: Messages that may come at once; after those it is one a second, as documented.
    burst: int = 5
    #: How often a new file is asked about before it can be shown.
    polls: int = 1


class SlackMessage(msgspec.Struct, kw_only=True):
    """A message as the workspace keeps it."""

    ts: str
    text: str
    blocks: list[dict[str, Any]]
    #: The message that its thread begins with; None = it is in the channel itself.
    thread_ts: str | None = None
    #: When it was posted, Unix ms.
    at: int
    is_edited: bool = False
    #: The only user who sees it; None = everybody.
    only_for: str | None = None
    #: Whether an incoming webhook posted it: such a message cannot be edited by a bot.
    is_hooked: bool = False


class SlackFile(msgspec.Struct, kw_only=True):
    """A file on its way into the workspace."""

    id: str
    name: str
    #: Bytes that were announced.
    length: int
    body: bytes | None = None
    is_complete: bool = False
    #: How often it is still asked about in vain.
    polls_left: int
    type: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether a message can show it."""
        return self.is_complete and self.polls_left <= 0


class Workspace:
    """One channel's messages by their `ts`, files by id, pictures by name; `mistakes` is what no client may do."""

    def __init__(self, options: SlackOptions, clock: Clock) -> None:
        """`clock` returns Unix ms."""
        self.options = options
        self.clock = clock
        self.messages: OrderedDict[str, SlackMessage] = OrderedDict()
        self.files: OrderedDict[str, SlackFile] = OrderedDict()
        self.pictures: OrderedDict[str, ChannelPicture] = OrderedDict()
        self.mistakes: list[str] = []
        self._numbers = itertools.count(1)

    def add(self, message: SlackMessage) -> SlackMessage:
        """Keeps a message; the oldest goes when there are too many."""
        return _kept(self.messages, message.ts, message)

    def add_file(self, file: SlackFile) -> SlackFile:
        """Keeps a file, likewise."""
        return _kept(self.files, file.id, file)

    def add_picture(self, name: str, picture: ChannelPicture) -> None:
        """Keeps a picture that messages show, likewise."""
        _kept(self.pictures, name, picture)

    def next_ts(self) -> str:
        """A new `ts`: seconds and a number that no other message of the channel has."""
        return f"{self.clock() // 1000}.{next(self._numbers):06d}"

    def next_file_id(self) -> str:
        """A new id of a file."""
        return f"F0PRETEND{next(self._numbers):04d}"


def _kept(shelf: OrderedDict[str, T], key: str, value: T) -> T:
    shelf[key] = value
    while len(shelf) > MOST_KEPT:
        shelf.popitem(last=False)
    return value
