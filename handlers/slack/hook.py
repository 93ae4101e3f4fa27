"""Slack's incoming webhooks: one POST a message; no editing."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.http.addresses import keys_in
from handlers.http.answers import outcome_of
from handlers.http.probing import probe_connection
from handlers.slack.message import Message
from handlers.slack.refusals import SENT_AS_TEXT, blocks_refused, explained
from receiver.contracts import (
    Answer,
    Call,
    DeliveryContext,
    SinkProbe,
)
from receiver.model.deliveries import (
    Delivered,
    Outcome,
    OutgoingEvent,
)

BAD_REQUEST: Final = 400


class IncomingWebhook:
    """Posts to an incoming webhook. Its answers are an HTTP status and one word as text (documented)."""

    def __init__(self, url: str) -> None:
        """`url` is usable and secret."""
        self._url = url
        self._hidden = keys_in(url)

    async def show(self, message: Message, _outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Posts the message, as text if Slack will not have its blocks."""
        answer = await self._post({"text": message.text, "blocks": message.blocks}, context)
        note = None
        if answer.status == BAD_REQUEST and blocks_refused(answer.body):
            answer = await self._post({"text": message.plain}, context)
            note = SENT_AS_TEXT
        outcome = outcome_of(answer, context.clock(), self._hidden)
        if isinstance(outcome, Delivered):
            return msgspec.structs.replace(outcome, note=note)
        return explained(outcome, answer.body.decode("utf-8", "replace").strip())

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether Slack's server takes connections: whatever is posted to the address is a message."""
        return await probe_connection(self._url, context)

    async def _post(self, fields: dict[str, object], context: DeliveryContext) -> Answer:
        body = msgspec.json.encode({**fields, "unfurl_links": False, "unfurl_media": False})
        headers = {"content-type": "application/json; charset=utf-8"}
        call = Call(method="POST", url=self._url, headers=headers, body=body)
        return await context.transport.send(call, context.timeout)
