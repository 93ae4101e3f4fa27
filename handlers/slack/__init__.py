"""Slack as a sink: an incoming webhook, or a bot whose message about a job follows the job."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec

from handlers.http.addresses import usable_url
from handlers.slack import presses
from handlers.slack.bot import Account, Bot
from handlers.slack.hook import IncomingWebhook
from handlers.slack.message import message
from handlers.slack.questions import question_message
from handlers.slack.wording import MAX_SECTION, foreign
from handlers.text import template_of
from receiver.contracts import (
    DeliveryContext,
    Handler,
    PlainUrl,
    Press,
    SecretUrl,
    TextSource,
)
from receiver.errors import OptionError, Unverified, raise_option_errors
from receiver.lib.signatures import Secret
from receiver.model.deliveries import (
    Again,
    Outcome,
    OutgoingEvent,
)


class Slack(Handler):
    """Shows events in a Slack channel, with the picture by its URL."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a Slack sink: `url`, or `token` with `channel`."""

        #: An incoming webhook: posts only, never edits.
        url: SecretUrl | None = None
        #: A bot's token (scope chat:write): one message a job, edited as the job goes on.
        token: Secret | None = None
        #: The bot's channel: its id (C...) or name.
        channel: str | None = None
        #: First line of the message about a job.
        text: TextSource | None = None
        #: The app's signing secret: its presses of buttons come to /slack/actions, so questions can be asked here.
        signing_secret: Secret | None = None
        #: Ids of those who may press buttons (U...); empty = everybody who sees them.
        deciders: Annotated[tuple[str, ...], msgspec.Meta(extra={"check": _check_deciders})] = ()
        #: How pictures are shown: by the vendor's address.
        pictures: Literal["link"] = "link"
        api_url: PlainUrl = "https://slack.com/api"

    #: Documented: about one message a second and channel.
    default_rate: ClassVar[float | None] = 1.0
    #: One at a time, so that messages stand in the order of the events.
    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        """Raises OptionError, or a group of them, for options that cannot be used, or not together."""
        self._way = _way(options)
        self._template = template_of(options.text, lambda value: foreign(value, MAX_SECTION))
        self._options = options

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Shows the event once, second calls included. Raises TransportError if Slack gave no answer."""
        asked = outgoing.question
        shown = question_message(asked) if asked is not None else message(outgoing.event, self._template)
        try:
            async with asyncio.timeout(context.timeout):
                return await self._way.show(shown, outgoing, context)
        except TimeoutError:
            return Again(note=f"Slack took longer than {context.timeout:g} s")

    @property
    def press_path(self) -> str | None:
        """`/slack/actions` for a bot with a signing secret; None: no buttons."""
        return presses.PATH if self._options.signing_secret is not None else None

    def verify_press(self, headers: dict[str, str], body: bytes, now: int) -> None:
        """Raises Unverified unless Slack signed this request within five minutes of `now` (Unix ms)."""
        if self._options.signing_secret is None:
            raise Unverified("no_proof")
        presses.verify(self._options.signing_secret, headers, body, now)

    def read_press(self, body: bytes) -> Press:
        """The press in a verified request. Raises Unmapped if it is none."""
        return presses.read(body, self._options.channel or "", self._options.deciders)


def _check_deciders(deciders: tuple[str, ...]) -> None:
    wrong = [one for one in deciders if not re.fullmatch(r"[UW][A-Z0-9]{1,30}", one)]
    if wrong:
        raise OptionError("", "holds what is no id of a member", 'write ids, such as ["U0123456789"]')


def _way(options: Slack.Options) -> IncomingWebhook | Bot:
    raise_option_errors(list(_do_not_fit(options)))
    if options.url is not None:
        return IncomingWebhook(usable_url("url", options.url))
    api = usable_url("api_url", options.api_url).rstrip("/")
    return Bot(Account(api=api, token=options.token or Secret(""), channel=options.channel or ""))


def _do_not_fit(options: Slack.Options) -> Iterator[OptionError]:
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
    if options.signing_secret is not None and not options.signing_secret.reveal().strip():
        yield OptionError("signing_secret", "is empty", "write the app's signing secret (Basic Information)")
    if not bot:
        for key in ("signing_secret", "deciders"):
            if getattr(options, key):
                yield OptionError(key, "belongs to a bot", "write token and channel beside it, or take it out")
    elif options.deciders and options.signing_secret is None:
        yield OptionError("deciders", "has no buttons to press", "write signing_secret beside it, or take it out")
    if bot and options.url is None and options.token is not None and not options.channel:
        yield OptionError("channel", "is missing beside token", 'write channel = "C0123456789", the channel\'s id')
