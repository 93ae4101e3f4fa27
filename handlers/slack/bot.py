"""A bot: one message a job, edited as the job goes on; the messages of one family stand in one thread."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from handlers.chat.receipts import picture_digest
from handlers.chat.words import packed
from handlers.http.answers import outcome_of, quote
from handlers.http.probing import probe_of
from handlers.slack.blocks import Block, slack_file
from handlers.slack.message import Message
from handlers.slack.refusals import PASSING, SENT_AS_TEXT, TOO_LONG, WITHOUT_PICTURE, blocks_refused, explained
from handlers.slack.uploads import Uploads
from handlers.slack.web_api import SlackAnswer, WebApi
from receiver.contracts import DeliveryContext, SinkProbe
from receiver.lib.backoff import retry_after
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    Outcome,
    OutgoingEvent,
)

#: Errors of chat.update (documented) after which a new message is posted.
GONE: Final = frozenset(
    {
        "block_mismatch",
        "cant_update_message",
        "edit_window_closed",
        "is_inactive",
        "message_not_found",
        "streaming_state_conflict",
    }
)
#: Errors of chat.postMessage (documented) after which it is posted outside of the thread.
NO_THREAD: Final = frozenset(
    {
        "cannot_reply_to_message",
        "message_not_found",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_not_found",
    }
)
#: Characters that the text of an edit may have (documented).
MAX_EDIT: Final = 4000


class ShownMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt: which message shows the job, and the event that it shows."""

    ts: str
    channel: str
    event: str
    #: The message that its thread begins with; None = it begins one itself.
    thread: str | None = None
    #: The uploaded picture that it shows, and a digest of the address that it came from.
    file: str | None = None
    picture: str | None = None

    @property
    def first(self) -> str:
        """The message that its thread begins with."""
        return self.thread or self.ts


class Bot:
    """Posts and edits in one channel."""

    def __init__(self, api: WebApi, channel: str, pictures: Literal["link", "upload"] = "link") -> None:
        self._api = api
        self._channel = channel
        self._uploads = Uploads(api) if pictures == "upload" else None

    async def show(self, message: Message, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Posts the first event of a job, in its family's thread, and edits that message for later ones."""
        shown = _read(outgoing.receipt)
        # A question is shown as it is now, whatever event is delivered.
        if shown is not None and outgoing.question is None and outgoing.event.id < shown.event:
            return Delivered(note="superseded", receipt=outgoing.receipt)
        family = shown or _read(outgoing.family_receipt)
        first = family.first if family else None
        before = ShownMessage(
            ts=shown.ts if shown else "",
            channel=family.channel if family else self._channel,
            event=outgoing.event.id,
            thread=shown.thread if shown else first,
            file=shown.file if shown else None,
            picture=shown.picture if shown else None,
        )
        picture, after = await self._picture(message, before, context)
        reply, after = await self._show(message, picture, after, context)
        return self._outcome(reply, after, context.clock())

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Asks Slack whose token it is (`auth.test`)."""
        reply = await self._call("auth.test", {}, context)
        who = " in ".join(str(reply.fields[name]) for name in ("user", "team") if reply.fields.get(name))
        nothing = ShownMessage(ts="", channel="", event="")
        outcome = self._outcome(reply, nothing, context.clock())
        return probe_of(outcome, f"Slack knows the token: {quote(who.encode(errors='replace'), self._api.hidden)}")

    async def _picture(
        self, message: Message, shown: ShownMessage, context: DeliveryContext
    ) -> tuple[Block | None, ShownMessage]:
        """The uploaded picture of a message, and what is to be remembered of it; None: it goes by its address."""
        if self._uploads is None or not message.pictures:
            return None, shown
        file, digest = shown.file, picture_digest(message.pictures[0])
        if file is None or shown.picture != digest:
            file = await self._uploads.upload(message.pictures, message.alt_text, context)
        after = msgspec.structs.replace(shown, file=file, picture=digest if file else None)
        return (slack_file(file, message.alt_text) if file else None), after

    async def _show(
        self, message: Message, picture: Block | None, shown: ShownMessage, context: DeliveryContext
    ) -> tuple[SlackAnswer, ShownMessage]:
        """Edits the message, or posts it where there is none (any more); what is to be remembered comes beside."""
        if shown.ts:
            target: dict[str, object] = {"channel": shown.channel, "ts": shown.ts}
            reply = await self._say("chat.update", target, message, picture, context)
            if reply.error not in GONE:
                return reply, shown
        target = {"channel": shown.channel, "unfurl_links": False, "unfurl_media": False}
        threaded = {**target, "thread_ts": shown.thread} if shown.thread else target
        reply = await self._say("chat.postMessage", threaded, message, picture, context)
        if shown.thread and reply.error in NO_THREAD:
            shown = msgspec.structs.replace(shown, thread=None)
            reply = await self._say("chat.postMessage", target, message, picture, context)
        return reply, shown

    async def _say(
        self, method: str, target: dict[str, object], message: Message, picture: Block | None, context: DeliveryContext
    ) -> SlackAnswer:
        """Says a message with its picture; if Slack will not have that, without it; else as text."""
        blocks, bare = message.blocks_with(picture) if picture else message.blocks, message.blocks_with(None)
        reply = await self._call(method, {**target, "text": message.text, "blocks": blocks}, context)
        if reply.ok or not blocks_refused(reply.answer.body):
            return reply
        if blocks != bare:
            reply = await self._call(method, {**target, "text": message.text, "blocks": bare}, context)
            if reply.ok or not blocks_refused(reply.answer.body):
                return msgspec.structs.replace(reply, note=WITHOUT_PICTURE)
        # An empty list, because an edit without the field keeps the blocks of before (documented).
        is_short = method == "chat.update" or reply.error == TOO_LONG
        text = packed(message.plain.splitlines(), "\n", MAX_EDIT)[0] if is_short else message.plain
        reply = await self._call(method, {**target, "text": text, "blocks": []}, context)
        return msgspec.structs.replace(reply, note=SENT_AS_TEXT)

    async def _call(self, method: str, fields: dict[str, object], context: DeliveryContext) -> SlackAnswer:
        return await self._api.call(method, fields, context.transport, context.timeout)

    def _outcome(self, reply: SlackAnswer, shown: ShownMessage, now: int) -> Outcome:
        hidden = self._api.hidden
        outcome = outcome_of(reply.answer, now, hidden)
        if not isinstance(outcome, Delivered):
            return explained(outcome, reply.error)
        if reply.ok:
            return msgspec.structs.replace(outcome, note=reply.note, receipt=_receipt(reply, shown))
        if reply.error and reply.error not in PASSING:
            note = f"Slack: {quote(reply.error.encode(), hidden)}"
            return explained(Dead(note=note, status=outcome.status), reply.error)
        note = f"Slack: {reply.error}" if reply.error else "the answer is not one of Slack's Web API"
        after = retry_after(reply.answer.headers.get("retry-after"), now)
        return Again(note=note, status=outcome.status, after=after)


def _receipt(reply: SlackAnswer, shown: ShownMessage) -> str | None:
    if not reply.ts or not reply.channel:
        return None
    thread = shown.thread if shown.thread != reply.ts else None
    after = msgspec.structs.replace(shown, ts=reply.ts, channel=reply.channel, thread=thread)
    return msgspec.json.encode(after).decode()


def _read(receipt: str | None) -> ShownMessage | None:
    """The receipt, or None if there is none that can be used."""
    try:
        return msgspec.json.decode(receipt, type=ShownMessage) if receipt else None
    except (msgspec.MsgspecError, ValueError):
        return None
