"""Uploads pictures as files of Slack: fetched with care, made small, sent in three steps, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from handlers.chat.pictures import fetched, preview
from handlers.slack.hosts import is_slacks
from handlers.slack.web_api import SlackAnswer, WebApi
from handlers.wording import one_line
from receiver.contracts import Call, DeliveryContext
from receiver.errors import TransportError

log = structlog.get_logger("slack")

#: Characters that describe a file (documented).
MAX_ALT_TEXT: Final = 1000
#: A file can be shown only a while after it was completed: it is asked about after these waits, seconds (seen in
#: slackapi/node-slack-sdk issue 1865).
WAITS_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
#: Of a delivery's time, the part that the picture may take: the message itself needs the rest.
SHARE: Final = 0.6


class Uploads:
    """Uploads with a bot's token (scopes files:write and files:read)."""

    def __init__(self, api: WebApi) -> None:
        self._api = api

    async def upload(self, urls: Sequence[str], alt_text: str, context: DeliveryContext) -> str | None:
        """The id of a file that shows the first of these pictures that can be had; None if that cannot be done.

        It is never the reason that a message does not arrive.
        """
        try:
            async with asyncio.timeout(context.timeout * SHARE):
                body = await self._preview(urls, context)
                return await self._uploaded(body, alt_text, context) if body is not None else None
        except (TransportError, TimeoutError) as wrong:
            log.warning("picture.not_uploaded", sink=context.sink, reason=str(wrong) or "it took too long")
            return None

    async def _preview(self, urls: Sequence[str], context: DeliveryContext) -> bytes | None:
        """The first picture that can be fetched and read, as JPEG: Slack shows neither WebP nor AVIF."""
        for url in urls:
            picture = await fetched(url, context)
            small = await preview(picture) if picture is not None else None
            if small is not None:
                return small.body
        log.warning("picture.not_fetched", sink=context.sink)
        return None

    async def _uploaded(self, body: bytes, alt_text: str, context: DeliveryContext) -> str | None:
        begin = {"filename": "picture.jpg", "length": len(body), "alt_txt": one_line(alt_text, MAX_ALT_TEXT)}
        begun = await self._call("files.getUploadURLExternal", begin, context)
        file, place = begun.fields.get("file_id"), begun.fields.get("upload_url")
        if not begun.ok or not isinstance(file, str) or not isinstance(place, str):
            self._note_refusal(begun, context)
            return None
        if not is_slacks(place, self._api.root):
            log.warning("picture.not_uploaded", sink=context.sink, reason="the address for its bytes is not Slack's")
            return None
        headers = {"content-type": "application/octet-stream"}
        call = Call(method="POST", url=place, headers=headers, body=body)
        if (await context.transport.send(call, context.timeout)).status != 200:
            return None
        completed = await self._call("files.completeUploadExternal", {"files": [{"id": file}]}, context)
        if not completed.ok:
            self._note_refusal(completed, context)
            return None
        return file if await self._is_ready(file, context) else None

    async def _is_ready(self, file: str, context: DeliveryContext) -> bool:
        for wait_s in WAITS_S:
            await asyncio.sleep(wait_s)
            told = await self._api.call("files.info", {"file": file}, context.transport, context.timeout, as_form=True)
            known = told.fields.get("file")
            if told.ok and isinstance(known, dict) and known.get("mimetype"):
                return True
        return False

    def _note_refusal(self, reply: SlackAnswer, context: DeliveryContext) -> None:
        log.warning("picture.not_uploaded", sink=context.sink, reason=one_line(reply.error) or "no answer of Slack's")

    async def _call(self, method: str, fields: dict[str, object], context: DeliveryContext) -> SlackAnswer:
        return await self._api.call(method, fields, context.transport, context.timeout)
