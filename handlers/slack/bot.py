"""Slack's Web API: a bot posts one message a job and edits it as the job goes on."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.http.addresses import keys_in
from handlers.http.answers import outcome_of, quote
from handlers.slack.message import Message
from handlers.slack.refusals import PASSING, SENT_AS_TEXT, blocks_refused, explained
from receiver.contracts import (
    Answer,
    Call,
    DeliveryContext,
)
from receiver.errors import NotJson
from receiver.lib.backoff import retry_after
from receiver.lib.signatures import Secret
from receiver.lib.strict_json import read_json
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    Outcome,
    OutgoingEvent,
)

#: Errors of chat.update (documented) after which a new message is posted.
GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class ShownMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt: which message shows the job, and the event that it shows."""

    ts: str
    channel: str
    event: str


class SlackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of the Web API."""

    answer: Answer
    ok: bool = False
    #: Slack's word for what went wrong; empty if there is none that can be read.
    error: str = ""
    ts: str = ""
    channel: str = ""
    #: Why it is shown other than asked for.
    note: str | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who the bot is and where it speaks."""

    api: str
    token: Secret
    channel: str


class Bot:
    """Posts and edits with a bot's token. Its answers are JSON with `ok` and `error`, mostly with HTTP 200."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._hidden = (account.token, *keys_in(account.api))

    async def show(self, message: Message, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Posts the first event of a job, and edits that message for later ones."""
        shown = _read(outgoing.receipt)
        if shown is None:
            return self._outcome(await self._post(message, context), outgoing, context.clock())
        # A question is shown as it is now, whatever event is delivered.
        if outgoing.question is None and outgoing.event.id < shown.event:
            return Delivered(note="superseded", receipt=outgoing.receipt)
        reply = await self._say("chat.update", {"channel": shown.channel, "ts": shown.ts}, message, context)
        if reply.error in GONE:
            reply = await self._post(message, context)
        return self._outcome(reply, outgoing, context.clock())

    async def _post(self, message: Message, context: DeliveryContext) -> SlackAnswer:
        target: dict[str, object] = {"channel": self._account.channel, "unfurl_links": False, "unfurl_media": False}
        return await self._say("chat.postMessage", target, message, context)

    async def _say(
        self, method: str, target: dict[str, object], message: Message, context: DeliveryContext
    ) -> SlackAnswer:
        reply = await self._call(method, {**target, "text": message.text, "blocks": message.blocks}, context)
        if reply.ok or not blocks_refused(reply.answer.body):
            return reply
        # An empty list, because an edit without the field keeps the blocks of before (documented).
        reply = await self._call(method, {**target, "text": message.plain, "blocks": []}, context)
        return msgspec.structs.replace(reply, note=SENT_AS_TEXT)

    async def _call(self, method: str, fields: dict[str, object], context: DeliveryContext) -> SlackAnswer:
        headers = {
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {self._account.token.reveal()}",
        }
        call = Call(
            method="POST", url=f"{self._account.api}/{method}", headers=headers, body=msgspec.json.encode(fields)
        )
        return _reply(await context.transport.send(call, context.timeout))

    def _outcome(self, reply: SlackAnswer, outgoing: OutgoingEvent, now: int) -> Outcome:
        outcome = outcome_of(reply.answer, now, self._hidden)
        if not isinstance(outcome, Delivered):
            return explained(outcome, reply.error)
        if reply.ok:
            return msgspec.structs.replace(outcome, note=reply.note, receipt=_receipt(reply, outgoing))
        if reply.error and reply.error not in PASSING:
            note = f"Slack: {quote(reply.error.encode(), self._hidden)}"
            return explained(Dead(note=note, status=outcome.status), reply.error)
        note = f"Slack: {reply.error}" if reply.error else "the answer is not one of Slack's Web API"
        after = retry_after(reply.answer.headers.get("retry-after"), now)
        return Again(note=note, status=outcome.status, after=after)


def _receipt(reply: SlackAnswer, outgoing: OutgoingEvent) -> str | None:
    if not reply.ts or not reply.channel:
        return None
    return msgspec.json.encode(ShownMessage(ts=reply.ts, channel=reply.channel, event=outgoing.event.id)).decode()


def _read(receipt: str | None) -> ShownMessage | None:
    """The receipt, or None if there is none that can be used."""
    try:
        return msgspec.json.decode(receipt, type=ShownMessage) if receipt else None
    except (msgspec.MsgspecError, ValueError):
        return None


def _reply(answer: Answer) -> SlackAnswer:
    try:
        value = read_json(answer.body)
    except NotJson:
        value = None
    if not isinstance(value, dict):
        return SlackAnswer(answer=answer)
    words = {name: value[name] for name in ("error", "ts", "channel") if isinstance(value.get(name), str)}
    return SlackAnswer(answer=answer, ok=value.get("ok") is True, **words)
