"""Slack's incoming webhooks: one POST a message; no editing."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.http import keys_in, outcome_of
from handlers.slack.message import Message
from handlers.slack.refusals import SENT_AS_TEXT, blocks_refused, explained
from receiver.contracts import (
    Answer,
    Call,
    Transport,
)
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    Delivered,
    Outcome,
    OutgoingEvent,
)

BAD_REQUEST: Final = 400


class IncomingWebhook:
    """Posts to an incoming webhook. Its answers are an HTTP status and one word as text (documented)."""

    def __init__(self, url: str, transport: Transport, clock: Clock, seconds: float) -> None:
        """`url` is usable and secret; `seconds` bounds each call; the clock reads dates in Retry-After."""
        self._url = url
        self._hidden = keys_in(url)
        self._transport = transport
        self._clock = clock
        self._seconds = seconds

    async def show(self, message: Message, _parcel: OutgoingEvent) -> Outcome:
        """Posts the message, as text if Slack will not have its blocks."""
        answer = await self._post({"text": message.text, "blocks": message.blocks})
        note = None
        if answer.status == BAD_REQUEST and blocks_refused(answer.body):
            answer = await self._post({"text": message.plain})
            note = SENT_AS_TEXT
        outcome = outcome_of(answer, self._clock(), self._hidden)
        if isinstance(outcome, Delivered):
            return msgspec.structs.replace(outcome, note=note)
        return explained(outcome, answer.body.decode("utf-8", "replace").strip())

    async def _post(self, fields: dict[str, object]) -> Answer:
        body = msgspec.json.encode({**fields, "unfurl_links": False, "unfurl_media": False})
        headers = {"content-type": "application/json; charset=utf-8"}
        return await self._transport.send(Call(method="POST", url=self._url, headers=headers, body=body), self._seconds)
