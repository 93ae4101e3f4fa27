"""Telegram as a sink: a bot whose messages have buttons, and that asks for their presses itself."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final

import msgspec

from handlers.http.addresses import usable_url
from handlers.telegram import presses
from handlers.telegram.api import BotApi
from handlers.telegram.chat import Chat
from handlers.telegram.message import MAX_MESSAGE, telegram_message
from handlers.telegram.wording import cut, foreign
from handlers.text import template_of
from receiver.contracts import DeliveryContext, Handler, Listening, PlainUrl, Press, SinkProbe, TextSource, Transport
from receiver.errors import NoAnswer, OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Outcome, OutgoingEvent

#: Characters of a word to who pressed (documented).
MAX_REPLY: Final = 200
#: Seconds that it may take.
REPLY_S: Final = 10.0


class Telegram(Handler):
    """Shows events in a Telegram chat, one message a job, edited as the job goes on."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a Telegram sink."""

        #: The bot's token, from @BotFather.
        token: Annotated[Secret, msgspec.Meta(extra={"check": _check_token})]
        #: The chat: its id, or the @name of a public channel or group.
        chat: Annotated[str, msgspec.Meta(extra={"check": _check_chat})]
        #: Ids of those who may press buttons; empty = everybody who sees them.
        deciders: Annotated[tuple[str, ...], msgspec.Meta(extra={"check": _check_deciders})] = ()
        #: First line of the message about a job: HTML, with all values in it as text.
        text: TextSource | None = None
        api_url: PlainUrl = "https://api.telegram.org"

    #: Documented as rough: 1 a second and chat, 20 a minute and group; what is more is answered with 429.
    default_rate: ClassVar[float | None] = 1.0
    #: One at a time, so that messages stand in the order of the events.
    default_concurrency: ClassVar[int] = 1
    #: A picture may have to be fetched first.
    default_timeout: ClassVar[float] = 60.0

    def __init__(self, options: Options) -> None:
        """Raises OptionError for options that cannot be used."""
        api = usable_url("api_url", options.api_url).rstrip("/")
        self._account = f"{api} {options.token.reveal()}"
        self._api = BotApi(api, options.token)
        self._chat = Chat(self._api, options.chat)
        self._awaited = presses.AwaitedPresses(self._api)
        self._deciders = options.deciders
        self._template = template_of(options.text, lambda value: foreign(value, MAX_MESSAGE))

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Shows the event once, second calls included. Raises TransportError if Telegram gave no answer."""
        return await self._chat.show(telegram_message(outgoing, self._template), outgoing, context)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether Telegram knows the bot's token and the chat; nothing is said there. Raises TransportError."""
        return await self._chat.probe(context)

    @property
    def shows_families(self) -> bool:
        """Its messages answer the first one about their family."""
        return True

    @property
    def listens_as(self) -> str:
        """The bot: sinks with the same token ask for presses together, as Telegram lets only one ask."""
        return self._account

    async def listen(self, listening: Listening) -> None:
        """Asks for presses until it is cancelled. Raises TransportError and ListeningRefused."""
        await self._awaited.listen(listening)

    def read_heard(self, body: bytes, _now: int) -> Press:
        """The press in an update: old ones are not handed on. Raises Unmapped if it is none."""
        return presses.read(body, self._chat.names, self._deciders)

    async def reply_to_press(self, pressed: Press, words: str, transport: Transport) -> None:
        """Ends the wait at the button, with words that only the one who pressed sees. Raises TransportError."""
        fields = {"callback_query_id": pressed.reply_to, "text": cut(words, MAX_REPLY), "show_alert": bool(words)}
        said = await self._api.call(transport, REPLY_S, "answerCallbackQuery", fields)
        if not said.ok and not presses.is_too_late(said):
            raise NoAnswer(f"Telegram: HTTP {said.answer.status}")


def _check_token(token: Secret) -> None:
    if not re.fullmatch(r"[0-9]{1,20}:[\w-]{1,100}", token.reveal(), re.ASCII):
        raise OptionError("", "is no bot's token", "write the token from @BotFather, like 123456:ABC-DEF...")


def _check_chat(chat: str) -> None:
    if not re.fullmatch(r"-?[0-9]{1,20}|@[A-Za-z]\w{3,40}", chat, re.ASCII):
        remedy = 'write chat = "-1001234567890", or "@name" of a public channel or group'
        raise OptionError("", "is no id and no @name of a chat", remedy)


def _check_deciders(deciders: tuple[str, ...]) -> None:
    if not all(re.fullmatch(r"[0-9]{1,20}", one, re.ASCII) for one in deciders):
        raise OptionError("", "holds what is no id of a user", 'write ids, such as ["123456789"]')
