"""Keys of a Slack sink, and which of them fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from importlib.util import find_spec
from typing import Annotated, Literal

import msgspec

from receiver.contracts import PlainUrl, SecretUrl, TextSource
from receiver.errors import OptionError
from receiver.lib.signatures import Secret


def _check_deciders(deciders: tuple[str, ...]) -> None:
    wrong = [one for one in deciders if not re.fullmatch(r"[UW][A-Z0-9]{1,30}", one)]
    if wrong:
        raise OptionError("", "holds what is no id of a member", 'write ids, such as ["U0123456789"]')


class SlackKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a Slack sink: `url`, or `token` with `channel`."""

    #: An incoming webhook: posts only, never edits.
    url: SecretUrl | None = None
    #: A bot's token (scope chat:write): one message a job, edited as the job goes on, a thread for each family.
    token: Secret | None = None
    #: The bot's channel: its id (C...) or name.
    channel: str | None = None
    #: First line of the message about a job.
    text: TextSource | None = None
    #: The app's own token (xapp-..., scope connections:write): presses of buttons come by Socket Mode.
    app_token: Secret | None = None
    #: The app's signing secret: its presses of buttons come to /slack/actions.
    signing_secret: Secret | None = None
    #: Ids of those who may press buttons (U...); empty = everybody who sees them.
    deciders: Annotated[tuple[str, ...], msgspec.Meta(extra={"check": _check_deciders})] = ()
    #: Slack asks once more before an order that costs more than this, or nobody knows how much; None = never.
    confirm_above: Decimal | None = None
    #: How pictures are shown: by their address, or uploaded as files of Slack (scopes files:write and files:read).
    pictures: Literal["link", "upload"] = "link"
    api_url: PlainUrl = "https://slack.com/api"

    @property
    def has_buttons(self) -> bool:
        """Whether presses can come in."""
        return self.signing_secret is not None or self.app_token is not None


#: Keys that only a bot has a use for.
OF_A_BOT = ("signing_secret", "app_token", "deciders", "confirm_above")
#: Keys that need buttons.
OF_BUTTONS = ("deciders", "confirm_above")


def mistakes(options: SlackKeys) -> Iterator[OptionError]:
    """What of the options is missing, or one too many."""
    bot = options.token is not None or options.channel is not None
    if options.url is not None and bot:
        wrong = "stands beside the keys of a bot"
        yield OptionError("url", wrong, "keep url (an incoming webhook), or token and channel (a bot)")
    elif options.url is None and not bot:
        remedy = 'write url = "env:NAME" (an incoming webhook), or token and channel (a bot)'
        yield OptionError("", "has neither url nor token", remedy)
    elif bot and options.token is None:
        yield OptionError("token", "is missing beside channel", 'write token = "env:NAME", the bot\'s token (xoxb-...)')
    yield from _of_secrets(options)
    if not bot:
        for key in OF_A_BOT:
            if getattr(options, key):
                yield OptionError(key, "belongs to a bot", "write token and channel beside it, or take it out")
        if options.pictures == "upload":
            yield OptionError("pictures", "belongs to a bot", 'an incoming webhook shows pictures by "link" only')
    elif not options.has_buttons:
        for key in OF_BUTTONS:
            if getattr(options, key):
                yield OptionError(
                    key, "has no buttons to press", "write app_token or signing_secret beside it, or take it out"
                )
    if bot and options.url is None and options.token is not None and not options.channel:
        yield OptionError("channel", "is missing beside token", 'write channel = "C0123456789", the channel\'s id')


def _of_secrets(options: SlackKeys) -> Iterator[OptionError]:
    if options.signing_secret is not None and not options.signing_secret.reveal().strip():
        yield OptionError("signing_secret", "is empty", "write the app's signing secret (Basic Information)")
    if options.app_token is None:
        return
    if not options.app_token.reveal().startswith("xapp-"):
        remedy = "make one under Basic Information, App-Level Tokens, with the scope connections:write"
        yield OptionError("app_token", "is no app-level token (xapp-...)", remedy)
    elif find_spec("websockets") is None:
        yield OptionError("app_token", "needs the package websockets", "install gridhook[slack]")
