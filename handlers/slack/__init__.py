"""Slack as a sink: an incoming webhook, or a bot whose message about a job follows the job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar

import msgspec

from handlers.http.addresses import usable_url
from handlers.slack.bot import Account, Bot
from handlers.slack.hook import IncomingWebhook
from handlers.slack.message import message
from handlers.slack.wording import MAX_SECTION, foreign
from handlers.text import template_of
from receiver.contracts import (
    DeliveryContext,
    Handler,
    PlainUrl,
    SecretUrl,
    TextSource,
)
from receiver.errors import OptionError, raise_option_errors
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
        api_url: PlainUrl = "https://slack.com/api"

    #: Documented: about one message a second and channel.
    default_rate: ClassVar[float | None] = 1.0
    #: One at a time, so that messages stand in the order of the events.
    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        """Raises OptionError, or a group of them, for options that cannot be used, or not together."""
        self._way = _way(options)
        self._template = template_of(options.text, lambda value: foreign(value, MAX_SECTION))

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Shows the event once, second calls included. Raises TransportError if Slack gave no answer."""
        shown = message(outgoing.event, self._template)
        try:
            async with asyncio.timeout(context.timeout):
                return await self._way.show(shown, outgoing, context)
        except TimeoutError:
            return Again(note=f"Slack took longer than {context.timeout:g} s")


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
    elif bot and not options.channel:
        yield OptionError("channel", "is missing beside token", 'write channel = "C0123456789", the channel\'s id')
