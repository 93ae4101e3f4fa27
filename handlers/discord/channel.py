"""Discord's HTTP API: a webhook or a bot posts one message a job, and edits it as the job goes on."""

from __future__ import annotations

import asyncio
import math
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from handlers.chat.pictures import ChatPicture, fetched, preview
from handlers.chat.receipts import MessageReceipt, is_superseded, picture_digest, read_receipt
from handlers.discord.draft import DraftMessage
from handlers.discord.message import DiscordMessage
from handlers.discord.refusals import ABOUT_FORM, GONE, UNKNOWN_WEBHOOK, judged_outcome, read_error
from handlers.http.addresses import keys_in
from handlers.http.answers import outcome_of, quote
from handlers.http.multipart import FormBody
from handlers.http.probing import probe_of
from receiver.contracts import Answer, Call, DeliveryContext, SinkProbe
from receiver.errors import NotJson
from receiver.lib.signatures import Secret
from receiver.lib.strict_json import read_json
from receiver.model.deliveries import Again, Dead, Delivered, Outcome, OutgoingEvent

#: Required (documented): what comes without is turned away before it reaches Discord.
USER_AGENT: Final = "DiscordBot (gridhook, 0.1)"
#: Bytes of a file (documented, where nobody has paid for more).
MAX_FILE: Final = 10 * 1024 * 1024
#: Seconds that a call waits by itself where Discord said that its bucket is empty.
LONGEST_PAUSE_S: Final = 5.0
SENT_AS_TEXT: Final = "sent as text: Discord refused the embed"
NOT_DISCORD: Final = "the answer is not one of Discord's API"


class MessagePlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages go, and who sends them."""

    #: Address that messages are posted at, with its query.
    post: str
    #: The same of one message: before and behind its id.
    message: tuple[str, str]
    #: None = a webhook, whose address is its right to post.
    token: Secret | None = None
    #: Addresses that tell, for nothing, whether one may post: each is asked with GET.
    asked: tuple[str, ...]


def bot_place(api: str, token: Secret, channel: str) -> MessagePlace:
    """A bot's channel. `api` is the base address, without a slash at its end."""
    messages = f"{api}/channels/{channel}/messages"
    asked = (f"{api}/users/@me", f"{api}/channels/{channel}")
    return MessagePlace(post=messages, message=(f"{messages}/", ""), token=token, asked=asked)


def webhook_place(url: str) -> MessagePlace:
    """A webhook's channel, or the thread that `thread_id` in its address names."""
    parts = urlsplit(url)
    base = parts._replace(query="", fragment="").geturl().rstrip("/")
    query = f"&{parts.query}" if parts.query else ""
    # Without `wait` Discord does not say whether it kept the message, nor its id.
    message = (f"{base}/messages/", query.replace("&", "?", 1))
    return MessagePlace(post=f"{base}?wait=true{query}", message=message, asked=(base,))


class Channel:
    """One channel, and what Discord said of how fast it may be written to."""

    def __init__(self, place: MessagePlace) -> None:
        self._place = place
        self._hidden = (*keys_in(place.post), *((place.token,) if place.token is not None else ()))
        #: When the bucket has room again, by the event loop's clock.
        self._free_at = 0.0
        #: Set once the webhook is no more: Discord asks not to call it again.
        self._gone: Dead | None = None

    async def show(self, message: DiscordMessage, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Posts the first event of a job, and edits that message for later ones."""
        kept = read_receipt(outgoing.receipt)
        if self._gone is not None:
            return self._gone
        if kept is not None and is_superseded(kept, outgoing):
            return Delivered(note="superseded", receipt=outgoing.receipt)
        draft = await self._draft(message, kept, context)
        sending = _Sending(self, draft, outgoing, context)
        if kept is not None:
            before, after = self._place.message
            outcome = await sending.send("PATCH", f"{before}{kept.message}{after}", kept)
            if outcome is not None:
                return outcome
            draft = await self._draft(message, None, context)
        if self._place.token is not None:
            first = read_receipt(outgoing.family_receipt)
            answers = first.message if first is not None else ""
            draft = msgspec.structs.replace(draft, nonce=outgoing.delivery_id, answers=answers)
        sending = _Sending(self, draft, outgoing, context)
        return await sending.send("POST", self._place.post, None) or Dead(note=NOT_DISCORD)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Asks Discord for the webhook, or for the bot and its channel; nothing is posted. Raises TransportError."""
        found = []
        for url in self._place.asked:
            call = Call(method="GET", url=url, headers=self._headers())
            answer = await context.transport.send(call, context.timeout)
            outcome = self.judged(answer, context.clock())
            if not isinstance(outcome, Delivered):
                return probe_of(outcome, "")
            found.append(self._name_in(answer))
        return SinkProbe(works=True, said=f"Discord knows {' and '.join(found)}")

    def _name_in(self, answer: Answer) -> str:
        """What Discord calls the webhook, the bot or the channel that was asked for."""
        try:
            said = msgspec.convert(read_json(answer.body), _DiscordName)
        except (NotJson, msgspec.ValidationError):
            return "it"
        return quote((said.username or said.name or "it").encode(errors="replace"), self._hidden)

    def _headers(self) -> dict[str, str]:
        headers = {"user-agent": USER_AGENT}
        if self._place.token is not None:
            headers["authorization"] = f"Bot {self._place.token.reveal()}"
        return headers

    async def _draft(
        self, message: DiscordMessage, kept: MessageReceipt | None, context: DeliveryContext
    ) -> DraftMessage:
        """The message with its picture, which is fetched if the message does not have it already."""
        has_buttons = self._place.token is not None
        url = message.pictures[0] if message.pictures else None
        if kept is not None and kept.file and (url is None or kept.picture == picture_digest(url)):
            return DraftMessage(message=message, kept_file=kept.file, has_buttons=has_buttons)
        upload = await _small_enough(url, context) if url is not None else None
        return DraftMessage(message=message, upload=upload, picture_url=url, has_buttons=has_buttons)

    async def call(
        self, method: Literal["POST", "PATCH"], url: str, form: FormBody, context: DeliveryContext
    ) -> Answer:
        """One call, once the bucket has room."""
        await asyncio.sleep(min(LONGEST_PAUSE_S, max(0.0, self._free_at - asyncio.get_running_loop().time())))
        headers = {"content-type": form.content_type, **self._headers()}
        call = Call(method=method, url=url, headers=headers, body=form.body)
        answer = await context.transport.send(call, context.timeout)
        self._free_at = asyncio.get_running_loop().time() + _pause_s(answer)
        return answer

    def judged(self, answer: Answer, now: int) -> Outcome:
        """What an answer means; a webhook that is no more is remembered."""
        error = read_error(answer)
        outcome = judged_outcome(outcome_of(answer, now, self._hidden), error)
        if isinstance(outcome, Dead) and error.code == UNKNOWN_WEBHOOK:
            self._gone = outcome
        return outcome


class _Sending:
    """One message on its way."""

    def __init__(
        self, channel: Channel, draft: DraftMessage, outgoing: OutgoingEvent, context: DeliveryContext
    ) -> None:
        self._channel = channel
        self._draft = draft
        self._outgoing = outgoing
        self._context = context

    async def send(self, method: Literal["POST", "PATCH"], url: str, kept: MessageReceipt | None) -> Outcome | None:
        """What came of it; None if the message that was to be edited is not there any more."""
        note = None
        answer = await self._channel.call(method, url, self._draft.encode(), self._context)
        error = read_error(answer)
        if answer.status == 413 or (answer.status == 400 and error.code in ABOUT_FORM):
            answer, note = (
                await self._channel.call(method, url, self._draft.encode_plain(), self._context),
                SENT_AS_TEXT,
            )
            error = read_error(answer)
        if kept is not None and answer.status // 100 == 4 and error.code in GONE:
            return None
        outcome = self._channel.judged(answer, self._context.clock())
        if not isinstance(outcome, Delivered):
            return outcome
        receipt = self._receipt(answer, kept)
        if receipt is None:
            return Again(note=NOT_DISCORD, status=answer.status)
        return msgspec.structs.replace(outcome, note=note, receipt=receipt.encode())

    def _receipt(self, answer: Answer, kept: MessageReceipt | None) -> MessageReceipt | None:
        """Which message it is now; None if the answer is no message."""
        try:
            said = msgspec.convert(read_json(answer.body), _DiscordMessage)
        except (NotJson, msgspec.ValidationError):
            return None
        is_kept = bool(self._draft.kept_file)
        pictures = self._draft.message.pictures
        digest = kept.picture if kept is not None and is_kept else picture_digest(pictures[0] if pictures else None)
        file = f"{said.attachments[0].id}/{said.attachments[0].filename}" if said.attachments else ""
        event = self._outgoing.event.id
        return MessageReceipt(message=said.id, channel=said.channel_id, event=event, picture=digest, file=file)


class _PostedFile(msgspec.Struct):
    """A file of a message, as Discord tells it."""

    id: str
    filename: str


class _DiscordName(msgspec.Struct):
    """What a webhook, a bot or a channel is called, as Discord tells it."""

    username: str | None = None
    name: str | None = None


class _DiscordMessage(msgspec.Struct):
    """A message, as Discord tells it."""

    id: str
    channel_id: str = ""
    attachments: tuple[_PostedFile, ...] = ()


async def _small_enough(url: str, context: DeliveryContext) -> ChatPicture | None:
    """The picture, or a smaller one of it, within Discord's limit; None: it is left to Discord to show its address."""
    picture = await fetched(url, context)
    if picture is not None and len(picture.body) > MAX_FILE:
        picture = await preview(picture)
    return picture if picture is not None and len(picture.body) <= MAX_FILE else None


def _pause_s(answer: Answer) -> float:
    """How long Discord wants the next call to wait, seconds."""
    if answer.headers.get("x-ratelimit-remaining") != "0":
        return 0.0
    try:
        seconds = float(answer.headers.get("x-ratelimit-reset-after", "0"))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
