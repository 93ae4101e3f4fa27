"""The pretend Telegram over HTTP: the Bot API's methods that sinks use, and the chat's page."""

from __future__ import annotations

import itertools
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.lib.times import Clock, system_clock
from receiver.pretend.faults import break_off
from receiver.pretend.platforms.channel.allowance import Allowance
from receiver.pretend.platforms.channel.forms import UploadedFile, read_form
from receiver.pretend.platforms.channel.messages import ChannelPerson, ChannelPicture
from receiver.pretend.platforms.channel.page import ChannelPage
from receiver.pretend.platforms.telegram.messages import (
    MAX_CAPTION,
    MAX_TEXT,
    ChatEntry,
    TelegramRefused,
    check_file,
    read_keyboard,
    read_text,
)
from receiver.pretend.platforms.telegram.updates import Updates

PEOPLE: Final = (ChannelPerson(id="1001", name="Ada"), ChannelPerson(id="1002", name="Bea"))
#: Bytes of a call.
LONGEST_CALL: Final = 51_000_000
#: Messages and pictures that are kept.
MOST_KEPT: Final = 1000
COMMON: Final = {"chat_id", "parse_mode", "reply_markup", "reply_parameters"}
#: What each method takes, and whether it is about a message that is there.
METHODS: Final = {
    "sendMessage": COMMON | {"text", "link_preview_options"},
    "sendPhoto": COMMON | {"caption", "photo"},
    "sendDocument": COMMON | {"caption", "document"},
    "editMessageText": COMMON | {"message_id", "text", "link_preview_options"},
    "editMessageCaption": COMMON | {"message_id", "caption"},
    "editMessageMedia": COMMON | {"message_id", "media"},
    "editMessageReplyMarkup": COMMON | {"message_id"},
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert"},
    "getMe": set(),
    "getChat": {"chat_id"},
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
}
Fields = dict[str, Any]


class TelegramOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the pretend Telegram is set up, and how it behaves."""

    token: str = "12345678:AAPretend-pretend-pretend-pretend-p"  # noqa: S105  # everybody may know a pretend one
    chat: int = -1001234567890
    #: Messages that a group may get at once, and within a minute.
    burst: int = 20


class PretendTelegram:
    """One bot in one chat. `app` is the ASGI application, `mistakes` what it refused that no client should send."""

    def __init__(
        self,
        options: TelegramOptions | None = None,
        *,
        clock: Clock = system_clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is for what messages say, `seconds` for rate limits."""
        self.options = options or TelegramOptions()
        self.messages: OrderedDict[int, ChatEntry] = OrderedDict()
        self.pictures: OrderedDict[str, ChannelPicture] = OrderedDict()
        self.mistakes: list[str] = []
        self.calls: deque[str] = deque(maxlen=10_000)
        #: What the next calls meet: a status such as `429` or `500`, or `lost`: done, and cut before the answer.
        self.faults: deque[str] = deque()
        #: Set: the chat has moved there.
        self.moved_to: int | None = None
        self.updates = Updates(clock, self.options.chat)
        self._clock = clock
        self._numbers = itertools.count(1)
        self._allowance = Allowance(self.options.burst, self.options.burst / 60, seconds)
        self.page = ChannelPage(
            "gridhook's chat - a pretend Telegram",
            messages=lambda: [entry.shown() for entry in self.messages.values()],
            picture=self.pictures.get,
            press=self.press,
            people=PEOPLE,
        )
        call = Route("/{bot}/{method}", self._call, methods=["GET", "POST"])
        self.app = Starlette(routes=[*self.page.routes(), call])

    async def press(self, message: str, data: str, person: ChannelPerson) -> str:
        """Presses a button; returns what the person is told, empty = nothing."""
        entry = self.messages.get(int(message)) if message.isdigit() else None
        if entry is None or not any(one["callback_data"] == data for row in entry.keyboard for one in row):
            return "This button is not there any more."
        told = await self.updates.press(entry, data, person)
        return told if told is not None else "The button waits: no bot has answered yet."

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.calls.append(method)
        fault = self.faults.popleft() if self.faults and method != "getUpdates" else None
        try:
            if fault is not None and fault.isdigit():
                raise TelegramRefused(int(fault), f"{fault}: pretended", retry_after=1)
            if request.path_params["bot"] != f"bot{self.options.token}":
                raise TelegramRefused(401, "Unauthorized")
            fields, files = await self._fields(request, method)
            result = await self._done(method, fields, files)
        except TelegramRefused as wrong:
            return self._refused(method, wrong)
        return await break_off("reset", request) if fault == "lost" else JSONResponse({"ok": True, "result": result})

    def _refused(self, method: str, wrong: TelegramRefused) -> Response:
        if wrong.code not in (409, 429) and wrong.code < 500 and not wrong.is_harmless:
            self.mistakes.append(f"{method}: {wrong.description}")
        body = {"ok": False, "error_code": wrong.code, "description": wrong.description}
        headers = {"retry-after": str(wrong.parameters["retry_after"])} if "retry_after" in wrong.parameters else {}
        more = {"parameters": wrong.parameters} if wrong.parameters else {}
        return JSONResponse(body | more, wrong.code, headers=headers)

    async def _fields(self, request: Request, method: str) -> tuple[Fields, dict[str, UploadedFile]]:
        """Raises TelegramRefused."""
        if method not in METHODS:
            raise TelegramRefused(404, "Not Found: method not found")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_CALL:
                raise TelegramRefused(413, "Request Entity Too Large")
        kind = request.headers.get("content-type", "")
        files: dict[str, UploadedFile] = {}
        try:
            if kind.startswith("multipart/form-data"):
                form = read_form(kind, bytes(body))
                files = form.files
                fields: Fields = {name: _nested(name, value) for name, value in form.fields.items()}
            else:
                fields = msgspec.json.decode(bytes(body) or b"{}", type=Fields)
        except (ValueError, msgspec.MsgspecError):
            raise TelegramRefused(400, "Bad Request: the body cannot be read") from None
        unknown = fields.keys() - METHODS[method]
        if unknown:
            self.mistakes.append(f"{method}: unknown {sorted(unknown)}")
        return fields, files

    async def _done(self, method: str, fields: Fields, files: dict[str, UploadedFile]) -> Any:
        """Raises TelegramRefused."""
        if method == "getUpdates":
            if fields.get("allowed_updates") != ["callback_query"]:
                self.mistakes.append("getUpdates: it asks for more than presses")
            return await self.updates.poll(
                int(fields.get("offset", 0)), int(fields.get("timeout", 0)), int(fields.get("limit", 100))
            )
        if method == "answerCallbackQuery":
            text = str(fields.get("text", ""))
            if len(text) > 200:
                raise TelegramRefused(400, "Bad Request: MESSAGE_TOO_LONG")
            self.updates.answer(str(fields.get("callback_query_id")), text)
            return True
        if method == "getMe":
            return {"id": int(self.options.token.partition(":")[0]), "is_bot": True, "username": "gridhook_bot"}
        self._check_chat(fields)
        if method == "getChat":
            return {"id": self.options.chat, "type": "supergroup", "title": "gridhook's chat"}
        self._check_pace()
        entry = self._edited(method, fields, files) if "message_id" in fields else self._sent(method, fields, files)
        self.page.changed()
        return self._told(entry)

    def _check_chat(self, fields: Fields) -> None:
        if self.moved_to is not None and str(fields.get("chat_id")) == str(self.options.chat):
            why = "Bad Request: group chat was upgraded to a supergroup chat"
            raise TelegramRefused(400, why, migrate_to_chat_id=self.moved_to)
        if str(fields.get("chat_id")) != str(self.moved_to or self.options.chat):
            raise TelegramRefused(400, "Bad Request: chat not found")

    def _check_pace(self) -> None:
        wait = math.ceil(self._allowance.take())
        if wait:
            raise TelegramRefused(429, f"Too Many Requests: retry after {wait}", retry_after=wait)

    def _sent(self, method: str, fields: Fields, files: dict[str, UploadedFile]) -> ChatEntry:
        kind = {"sendMessage": "", "sendPhoto": "photo", "sendDocument": "document"}.get(method)
        if kind is None:
            raise TelegramRefused(400, "Bad Request: message identifier is not specified")
        entry = ChatEntry(id=next(self._numbers), at=self._clock(), text="", kind=kind)
        self._fill(entry, fields, fields)
        reply = fields.get("reply_parameters")
        if isinstance(reply, dict) and reply.get("message_id") in self.messages:
            entry.reply_to = reply["message_id"]
        if kind:
            self._take_file(entry, files.get(kind))
        self.messages[entry.id] = entry
        while len(self.messages) > MOST_KEPT:
            self.messages.popitem(last=False)
        return entry

    def _edited(self, method: str, fields: Fields, files: dict[str, UploadedFile]) -> ChatEntry:
        entry = self.messages.get(fields["message_id"])
        if entry is None:
            raise TelegramRefused(400, "Bad Request: message to edit not found")
        if (method == "editMessageText") != (not entry.kind) and method in ("editMessageText", "editMessageCaption"):
            what = "text" if method == "editMessageText" else "caption"
            raise TelegramRefused(400, f"Bad Request: there is no {what} in the message to edit")
        before = msgspec.structs.replace(entry)
        after = msgspec.structs.replace(entry)
        media = fields.get("media")
        if method == "editMessageMedia" and isinstance(media, dict):
            after.kind = str(media.get("type"))
            self._fill(after, media, fields)
            self._take_file(after, files.get(str(media.get("media")).removeprefix("attach://")))
        elif method == "editMessageReplyMarkup":
            after.keyboard = read_keyboard(fields.get("reply_markup"))
        else:
            self._fill(after, fields, fields)
        if after == before:
            raise TelegramRefused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        after.is_edited = True
        self.messages[entry.id] = after
        return after

    def _fill(self, entry: ChatEntry, words: Fields, fields: Fields) -> None:
        name, most = ("caption", MAX_CAPTION) if entry.kind else ("text", MAX_TEXT)
        entry.text, entry.links = read_text(words.get(name, ""), words.get("parse_mode"), most)
        entry.keyboard = read_keyboard(fields.get("reply_markup"))

    def _take_file(self, entry: ChatEntry, file: UploadedFile | None) -> None:
        if file is None:
            raise TelegramRefused(400, "Bad Request: there is no file in the request")
        kind = check_file(entry.kind, file.body)
        entry.picture = f"{entry.id}-{next(self._numbers)}"
        self.pictures[entry.picture] = ChannelPicture(type=kind, body=file.body)
        while len(self.pictures) > MOST_KEPT:
            self.pictures.popitem(last=False)

    def _told(self, entry: ChatEntry) -> Fields:
        chat = {"id": self.moved_to or self.options.chat, "type": "supergroup"}
        files = {"photo": [{"file_id": entry.picture}], "document": {"file_id": entry.picture}}
        shown = {entry.kind: files[entry.kind], "caption": entry.text} if entry.kind else {"text": entry.text}
        return {"message_id": entry.id, "date": entry.at // 1000, "chat": chat, **shown}


def _nested(name: str, value: str) -> Any:
    """A field of a form: objects and numbers are written as JSON there."""
    is_json = name in ("reply_markup", "media", "reply_parameters", "link_preview_options", "message_id")
    return msgspec.json.decode(value) if is_json else value
