"""Slack as a sink: an incoming webhook, or a bot whose message about a job follows the job."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import msgspec

from handlers.http import usable_url
from handlers.slack.bot import Account, Bot
from handlers.slack.hook import IncomingWebhook
from handlers.slack.message import message
from handlers.slack.template import Template
from receiver.contracts import Transport
from receiver.errors import InvalidParams
from receiver.lib.signatures import Secret
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    Again,
    Outcome,
    OutgoingEvent,
)


class Slack:
    """Shows events in a Slack channel, with the picture by its URL."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a Slack sink: `url`, or `token` with `channel`."""

        #: An incoming webhook: posts only, never edits.
        url: Secret | None = None
        #: A bot's token (scope chat:write): one message a job, edited as the job goes on.
        token: Secret | None = None
        #: The bot's channel: its id (C...) or name.
        channel: str | None = None
        #: First line of the message, with {field} placeholders of the job and the event.
        text: str | None = None
        api_url: str = "https://slack.com/api"

    #: Documented: about one message a second and channel.
    default_rate: ClassVar[float | None] = 1.0
    #: One at a time, so that messages stand in the order of the events.
    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options, transport: Transport, clock: Clock, timeout: float) -> None:
        """`timeout` is seconds for one try, second calls included. Raises InvalidParams for unusable options."""
        self._way = _way(options, transport, clock, timeout)
        self._template = Template(options.text) if options.text else None
        self._timeout = timeout

    async def deliver(self, outgoing: OutgoingEvent) -> Outcome:
        """Shows the event once. Raises TransportError if Slack gave no answer."""
        shown = message(outgoing.event, self._template)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._way.show(shown, outgoing)
        except TimeoutError:
            return Again(note=f"Slack took longer than {self._timeout:g} s")


def _way(options: Slack.Options, transport: Transport, clock: Clock, timeout: float) -> IncomingWebhook | Bot:
    if options.url is not None and options.token is None and options.channel is None:
        return IncomingWebhook(usable_url("url", options.url), transport, clock, timeout)
    if options.url is None and options.token is not None and options.channel:
        api = usable_url("api_url", Secret(options.api_url)).rstrip("/")
        return Bot(Account(api=api, token=options.token, channel=options.channel), transport, clock, timeout)
    raise InvalidParams("slack needs either url (an incoming webhook), or token and channel (a bot)")
