"""Discord as a sink: a webhook, or a bot whose messages have buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from handlers.discord import presses
from handlers.discord.channel import USER_AGENT, Channel, bot_place, webhook_place
from handlers.discord.draft import NO_MENTIONS
from handlers.discord.message import MAX_CONTENT, discord_message
from handlers.discord.wording import escape, foreign
from handlers.http.addresses import usable_url
from handlers.text import template_of
from receiver.contracts import (
    Acknowledgement,
    Call,
    DeliveryContext,
    Handler,
    PlainUrl,
    Press,
    SecretUrl,
    SinkProbe,
    TextSource,
    Transport,
)
from receiver.errors import NoAnswer, OptionError, Unverified, raise_option_errors
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Outcome, OutgoingEvent

#: Flag of a message that only one person sees (documented).
EPHEMERAL: Final = 64
#: Seconds that a word to who pressed may take.
REPLY_S: Final = 10.0
_WEBHOOK: Final = re.compile(r"/webhooks/[0-9]{1,20}/[\w.-]+/?", re.ASCII)
_ID: Final = re.compile(r"[0-9]{1,20}")


class Discord(Handler):
    """Shows events in a Discord channel, one message a job, edited as the job goes on."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a Discord sink: `url`, or `token` with `channel`."""

        #: A channel's webhook: tells only, without buttons.
        url: SecretUrl | None = None
        #: A bot's token.
        token: Secret | None = None
        #: The bot's channel, by its id.
        channel: str | None = None
        #: The application's public key (hex): its presses of buttons come to /discord/interactions.
        public_key: Annotated[Secret, msgspec.Meta(extra={"may_be_shown": True, "check": _check_key})] | None = None
        #: Ids of those who may press buttons; empty = everybody who sees them.
        deciders: Annotated[tuple[str, ...], msgspec.Meta(extra={"check": _check_deciders})] = ()
        #: First line of the message about a job.
        text: TextSource | None = None
        api_url: PlainUrl = "https://discord.com/api/v10"

    #: Seen: 30 a minute and channel for webhooks, 5 in 2 seconds otherwise; what is more is answered with 429.
    default_rate: ClassVar[float | None] = 1.0
    #: One at a time, so that messages stand in the order of the events.
    default_concurrency: ClassVar[int] = 1
    #: A picture may have to be fetched first.
    default_timeout: ClassVar[float] = 60.0

    def __init__(self, options: Options) -> None:
        """Raises OptionError, or a group of them, for options that cannot be used, or not together."""
        raise_option_errors(list(_do_not_fit(options)))
        self._options = options
        self._api = usable_url("api_url", options.api_url).rstrip("/")
        if options.url is not None:
            place = webhook_place(usable_url("url", options.url))
        else:
            place = bot_place(self._api, options.token or Secret(""), options.channel or "")
        self._channel = Channel(place)
        self._template = template_of(options.text, lambda value: foreign(value, MAX_CONTENT))

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Shows the event once, second calls included. Raises TransportError if Discord gave no answer."""
        return await self._channel.show(discord_message(outgoing, self._template), outgoing, context)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether Discord knows the webhook, or the bot's token and channel. Raises TransportError."""
        return await self._channel.probe(context)

    @property
    def shows_families(self) -> bool:
        """A bot's messages answer the first one about their family; a webhook's cannot."""
        return self._options.url is None

    @property
    def press_path(self) -> str | None:
        """`/discord/interactions` for a bot with a public key; None: no buttons."""
        return presses.PATH if self._options.public_key is not None else None

    def verify_press(self, headers: dict[str, str], body: bytes, now: int) -> None:
        """Raises Unverified unless Discord signed this request within five minutes of `now` (Unix ms)."""
        if self._options.public_key is None:
            raise Unverified("no_proof")
        presses.verify(bytes.fromhex(self._options.public_key.reveal()), headers, body, now)

    def read_press(self, body: bytes) -> Press:
        """The press in a verified request. Raises Unmapped if it is none."""
        return presses.read(body, self._options.channel or "", self._options.deciders)

    def acknowledge(self, body: bytes) -> Acknowledgement:
        """A PONG to a PING; to a press, that the message will change. Raises Unmapped for anything else."""
        return presses.acknowledgement(body)

    async def reply_to_press(self, pressed: Press, words: str, transport: Transport) -> None:
        """Tells words that only the one who pressed sees. Raises TransportError."""
        if not words:
            return
        fields = {"content": escape(words)[:MAX_CONTENT], "flags": EPHEMERAL, "allowed_mentions": NO_MENTIONS}
        headers = {"content-type": "application/json", "user-agent": USER_AGENT}
        url = f"{self._api}/webhooks/{pressed.reply_to}"
        call = Call(method="POST", url=url, headers=headers, body=msgspec.json.encode(fields))
        answer = await transport.send(call, REPLY_S)
        if answer.status // 100 != 2:
            raise NoAnswer(f"Discord: HTTP {answer.status}")


def _check_key(key: Secret) -> None:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", key.reveal()):
        raise OptionError("", "is no public key", "write the 64 hex digits of General Information, Public Key")


def _check_deciders(deciders: tuple[str, ...]) -> None:
    if not all(_ID.fullmatch(one) for one in deciders):
        raise OptionError("", "holds what is no id of a user", 'write ids, such as ["80351110224678912"]')


def _do_not_fit(options: Discord.Options) -> Iterator[OptionError]:
    """What of the options is missing, one too many, or of the wrong form."""
    bot = options.token is not None or options.channel is not None
    if options.url is not None and bot:
        wrong = "stands beside the keys of a bot"
        yield OptionError("url", wrong, "keep url (a webhook), or token and channel (a bot)")
    elif options.url is None and not bot:
        remedy = 'write url = "env:NAME" (a webhook), or token and channel (a bot)'
        yield OptionError("", "has neither url nor token", remedy)
    elif options.url is not None and not _WEBHOOK.search(urlsplit(options.url.reveal()).path):
        yield OptionError(
            "url", "is no webhook's address", 'copy it whole: "https://discord.com/api/webhooks/ID/TOKEN"'
        )
    elif bot and options.token is None:
        yield OptionError("token", "is missing beside channel", 'write token = "env:NAME", the bot\'s token')
    elif bot and (options.channel is None or not _ID.fullmatch(options.channel)):
        yield OptionError("channel", "is no id of a channel", 'write channel = "81384788765712384"')
    if not bot:
        for key in ("public_key", "deciders"):
            if getattr(options, key):
                yield OptionError(key, "belongs to a bot", "write token and channel beside it, or take it out")
    elif options.deciders and options.public_key is None:
        yield OptionError("deciders", "has no buttons to press", "write public_key beside it, or take it out")
