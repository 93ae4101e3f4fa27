"""One chat: a bot posts one message a job, and edits it as the job goes on."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from handlers.chat.pictures import ChatPicture, fetched, preview
from handlers.chat.receipts import MessageReceipt, is_superseded, picture_digest, read_receipt
from handlers.http.multipart import FormFile
from handlers.http.probing import probe_of
from handlers.telegram.api import NOT_TELEGRAM, BotApi, TelegramAnswer
from handlers.telegram.message import MAX_CAPTION, MAX_MESSAGE, TelegramMessage
from receiver.contracts import DeliveryContext, SinkProbe
from receiver.model.deliveries import Again, Dead, Delivered, Outcome, OutgoingEvent

#: Of a photo (documented): bytes, width and height together, and how much longer one side may be.
MAX_PHOTO: Final = 10_000_000
MAX_SIDES: Final = 10_000
MAX_RATIO: Final = 20
#: Bytes of a document (documented).
MAX_DOCUMENT: Final = 50_000_000
#: What is sent as a photo as it is; the rest is made a JPEG first, which is what Telegram makes of photos anyway.
PHOTO_TYPES: Final = frozenset({"image/jpeg", "image/png"})
#: Pieces of refusals after which a new message is posted.
GONE: Final = (
    "message to edit not found",
    "message can't be edited",
    "MESSAGE_ID_INVALID",
    "no text in the message",
    "no caption in the message",
)
#: Pieces of refusals that are about the picture.
ABOUT_PICTURE: Final = ("PHOTO_", "IMAGE_PROCESS_FAILED", "wrong file", "wrong type", "Request Entity Too Large")
BAD_HTML: Final = "can't parse entities"
SENT_PLAIN: Final = "sent without HTML: Telegram could not read it"
SENT_AS_TEXT: Final = "sent without its picture: Telegram refused it"
#: Name of the field of a new picture.
UPLOAD: Final = "picture"
#: How often one message is tried, simpler each time.
MOST_TRIES: Final = 4
FileKind = Literal["text", "photo", "document"]


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message with its picture, ready to be sent."""

    message: TelegramMessage
    kind: FileKind = "text"
    #: None = it has no picture, or the one that it has already.
    upload: ChatPicture | None = None
    is_html: bool = True
    #: Id of the first message about the family, which a new message answers; None = it stands by itself.
    answers: int | None = None

    def words(self, kept: MessageReceipt | None) -> dict[str, Any]:
        """Its words and buttons, as the call has them that posts it, or edits the message that is there."""
        keyboard = {"reply_markup": {"inline_keyboard": self.message.keyboard}}
        parse = {"parse_mode": "HTML"} if self.is_html else {}
        if self.kind == "text" and (kept is None or kept.file == "text"):
            return {"text": self._said(MAX_MESSAGE), **parse, **keyboard, "link_preview_options": self._link_preview()}
        caption = {"caption": self._said(MAX_CAPTION), **parse}
        if kept is None or self.upload is None:
            return caption | keyboard
        return {"media": {"type": self.kind, "media": f"attach://{UPLOAD}", **caption}, **keyboard}

    def files(self, kept: MessageReceipt | None) -> dict[str, FormFile]:
        """Its new picture, by the name of its field."""
        if self.upload is None:
            return {}
        file = FormFile(name=self.upload.name, type=self.upload.about.type, body=self.upload.body)
        return {self.kind if kept is None else UPLOAD: file}

    def _said(self, limit: int) -> str:
        return self.message.text(limit) if self.is_html else self.message.plain(limit)

    def _link_preview(self) -> dict[str, Any]:
        """The picture by its address, where it is not sent along: Telegram shows it if it can."""
        if not self.message.pictures:
            return {"is_disabled": True}
        return {"url": self.message.pictures[0], "prefer_large_media": True, "show_above_text": True}


class Chat:
    """Where the messages of one sink go."""

    def __init__(self, api: BotApi, chat: str) -> None:
        """`chat` is an id, or the @name of a channel or group."""
        self._api = api
        #: What it is called by; the last is where it is now: groups get another id when they grow.
        self.names = [chat]

    async def show(self, message: TelegramMessage, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Posts the first event of a job, and edits that message for later ones."""
        kept = read_receipt(outgoing.receipt)
        if kept is not None and is_superseded(kept, outgoing):
            return Delivered(note="superseded", receipt=outgoing.receipt)
        url = message.pictures[0] if message.pictures else None
        if kept is not None:
            is_shown = url is None or (kept.file != "text" and kept.picture == picture_digest(url))
            draft = ChatMessage(message=message) if is_shown else await _with_picture(message, url, context)
            outcome = await self._send(kept, draft, outgoing, context)
            if outcome is not None:
                return outcome
        draft = await _with_picture(message, url, context)
        first = read_receipt(outgoing.family_receipt)
        draft = msgspec.structs.replace(draft, answers=int(first.message) if first is not None else None)
        return await self._send(None, draft, outgoing, context) or Dead(note=NOT_TELEGRAM)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Asks Telegram for the bot and for its chat; nothing is said there. Raises TransportError."""
        for method, fields in (("getMe", {}), ("getChat", {"chat_id": self.names[-1]})):
            said = await self._api.call(context.transport, context.timeout, method, fields)
            outcome = self._api.outcome(said, context.clock())
            if not isinstance(outcome, Delivered) and said.migrated_to is None:
                return probe_of(outcome, "")
        return SinkProbe(works=True, said="Telegram knows the bot and its chat")

    async def _send(
        self, kept: MessageReceipt | None, draft: ChatMessage, outgoing: OutgoingEvent, context: DeliveryContext
    ) -> Outcome | None:
        """What came of a message, simpler each time that Telegram will not have it; None if what it edits is gone."""
        note = None
        for _ in range(MOST_TRIES):
            said = await self._call(kept, draft, context)
            if said.migrated_to is not None:
                self.names.append(said.migrated_to)
            elif draft.is_html and said.says(BAD_HTML):
                draft, note = msgspec.structs.replace(draft, is_html=False), SENT_PLAIN
            elif draft.upload is not None and (said.answer.status == 413 or said.says(*ABOUT_PICTURE)):
                draft, note = msgspec.structs.replace(draft, upload=None, kind="text"), SENT_AS_TEXT
            else:
                break
        if kept is not None and said.says(*GONE):
            return None
        if kept is not None and said.says("message is not modified"):
            return Delivered(receipt=_receipt(kept, draft, outgoing).encode(), status=200)
        outcome = self._api.outcome(said, context.clock())
        posted = _posted(said.result)
        if not isinstance(outcome, Delivered):
            return outcome
        if posted is None:
            return Again(note=NOT_TELEGRAM, status=outcome.status)
        return msgspec.structs.replace(outcome, note=note, receipt=_receipt(kept or posted, draft, outgoing).encode())

    async def _call(self, kept: MessageReceipt | None, draft: ChatMessage, context: DeliveryContext) -> TelegramAnswer:
        fields, files = draft.words(kept), draft.files(kept)
        fields |= {"chat_id": self.names[-1] if kept is None or len(self.names) > 1 else kept.channel}
        if kept is None:
            if draft.answers is not None:
                fields["reply_parameters"] = {"message_id": draft.answers, "allow_sending_without_reply": True}
            method = {"text": "sendMessage", "photo": "sendPhoto", "document": "sendDocument"}[draft.kind]
        else:
            fields["message_id"] = int(kept.message)
            method = "editMessageMedia" if files else "editMessageText" if kept.file == "text" else "editMessageCaption"
        return await self._api.call(context.transport, context.timeout, method, fields, files)


def _posted(result: object) -> MessageReceipt | None:
    """Which message an answer is about; None if it is none."""
    try:
        said = msgspec.convert(result, _TelegramMessage)
    except msgspec.ValidationError:
        return None
    return MessageReceipt(message=str(said.message_id), channel=str(said.chat.id), event="", file="text")


def _receipt(shown: MessageReceipt, draft: ChatMessage, outgoing: OutgoingEvent) -> MessageReceipt:
    """What is remembered of a message that shows this draft now."""
    event = outgoing.event.id
    if draft.upload is None:
        return msgspec.structs.replace(shown, event=event)
    digest = picture_digest(draft.message.pictures[0])
    return msgspec.structs.replace(shown, event=event, file=draft.kind, picture=digest)


async def _with_picture(message: TelegramMessage, url: str | None, context: DeliveryContext) -> ChatMessage:
    """The message with its picture: a photo where that may be one, else a document; text if it cannot be had."""
    picture = await fetched(url, context) if url is not None else None
    if picture is not None and picture.about.type not in PHOTO_TYPES:
        picture = await preview(picture)
    if picture is None or len(picture.body) > MAX_DOCUMENT:
        return ChatMessage(message=message)
    return ChatMessage(message=message, kind="photo" if _may_be_photo(picture) else "document", upload=picture)


def _may_be_photo(picture: ChatPicture) -> bool:
    short, long = sorted((picture.about.width, picture.about.height))
    return len(picture.body) <= MAX_PHOTO and short + long <= MAX_SIDES and long <= MAX_RATIO * short


class _PostedChat(msgspec.Struct):
    """The chat of a message, as Telegram tells it."""

    id: int


class _TelegramMessage(msgspec.Struct):
    """A message, as Telegram tells it."""

    message_id: int
    chat: _PostedChat
