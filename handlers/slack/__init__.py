"""Slack as a sink: an incoming webhook, or a bot whose message about a job follows the job."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from handlers.http.addresses import usable_url
from handlers.slack import presses
from handlers.slack.bot import Bot
from handlers.slack.hook import IncomingWebhook
from handlers.slack.message import Message, message
from handlers.slack.options import SlackKeys, mistakes
from handlers.slack.questions import question_message
from handlers.slack.socket_mode import SlackSocket
from handlers.slack.web_api import WebApi
from handlers.slack.wording import MAX_SECTION, foreign
from handlers.text import template_of
from receiver.contracts import DeliveryContext, Handler, Listening, Press, SinkProbe, Transport
from receiver.errors import Unverified, raise_option_errors
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Outcome, OutgoingEvent


class Slack(Handler):
    """Shows events in a Slack channel, with a picture and buttons."""

    class Options(SlackKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a Slack sink: `url`, or `token` with `channel`."""

    #: Documented: about one message a second and channel.
    default_rate: ClassVar[float | None] = 1.0
    #: One at a time, so that messages stand in the order of the events, and a family has one thread.
    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: SlackKeys) -> None:
        """Raises OptionError, or a group of them, for options that cannot be used, or not together."""
        raise_option_errors(list(mistakes(options)))
        self._options = options
        self._api = WebApi(usable_url("api_url", options.api_url).rstrip("/"), options.token or Secret(""))
        self._way: IncomingWebhook | Bot
        if options.url is not None:
            self._way = IncomingWebhook(usable_url("url", options.url))
        else:
            self._way = Bot(self._api, options.channel or "", options.pictures)
        self._template = template_of(options.text, lambda value: foreign(value, MAX_SECTION))

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Shows the event once, second calls included. Raises TransportError if Slack gave no answer."""
        try:
            async with asyncio.timeout(context.timeout):
                return await self._way.show(self._message(outgoing), outgoing, context)
        except TimeoutError:
            return Again(note=f"Slack took longer than {context.timeout:g} s")

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether Slack knows the bot's token, or takes connections for a webhook. Raises TransportError."""
        return await self._way.probe(context)

    def _message(self, outgoing: OutgoingEvent) -> Message:
        confirm_above = self._options.confirm_above
        if outgoing.question is not None:
            return question_message(outgoing.question, confirm_above)
        return message(
            outgoing.event,
            self._template,
            ancestors=outgoing.ancestors,
            buttons=outgoing.buttons,
            confirm_above=confirm_above,
        )

    @property
    def shows_families(self) -> bool:
        """Whether messages about one family stand in one thread: a bot's do."""
        return isinstance(self._way, Bot)

    @property
    def press_path(self) -> str | None:
        """`/slack/actions` for a bot with a signing secret; None: no presses are posted."""
        return presses.PATH if self._options.signing_secret is not None else None

    def verify_press(self, headers: dict[str, str], body: bytes, now: int) -> None:
        """Raises Unverified unless Slack signed this request within five minutes of `now` (Unix ms)."""
        if self._options.signing_secret is None:
            raise Unverified("no_proof")
        presses.verify(self._options.signing_secret, headers, body, now)

    def read_press(self, body: bytes) -> Press:
        """The press in a verified request. Raises Unmapped if it is none."""
        return self._press(presses.form_payload(body))

    @property
    def listens_as(self) -> str | None:
        """The app's token: sinks of one app share a connection. None without one."""
        token = self._options.app_token
        return f"{self._api.root} {token.reveal()}" if token is not None else None

    async def listen(self, listening: Listening) -> None:
        """Listens by Socket Mode until it is cancelled. Raises TransportError and ListeningRefused."""
        await SlackSocket(self._api.root, self._options.app_token or Secret("")).listen(listening)

    def read_heard(self, body: bytes, now: int) -> Press:
        """The press in a payload of Socket Mode. Raises Unmapped if it is none, Unverified for a stale one."""
        payload = presses.read_payload(body)
        presses.check_age(payload, now)
        return self._press(payload)

    def _press(self, payload: presses.Payload) -> Press:
        return presses.read(payload, self._options.channel or "", self._options.deciders)

    async def reply_to_press(self, pressed: Press, words: str, transport: Transport) -> None:
        """Shows words, if there are some, to the one who pressed and to nobody else. Raises TransportError."""
        if words:
            await presses.reply(pressed.reply_to, foreign(words), self._api.root, transport)
