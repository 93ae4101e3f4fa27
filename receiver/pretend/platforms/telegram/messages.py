"""Messages of the pretend Telegram: what it takes as one, and how people see it."""

from __future__ import annotations

import html
import re
from typing import Any, Final

import msgspec

from receiver.errors import ForeignRefused
from receiver.lib.pictures import examine
from receiver.pretend.platforms.channel.messages import ChannelButton, ChannelMessage

#: Characters of a message and of a caption, after the HTML is read; bytes of a button's data (documented).
MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
MAX_DATA: Final = 64
MOST_BUTTONS: Final = 100
#: Bytes of a photo and of a document; width and height together, and how much longer one side may be (documented).
MAX_PHOTO: Final = 10_000_000
MAX_DOCUMENT: Final = 50_000_000
MAX_SIDES: Final = 10_000
MAX_RATIO: Final = 20
TAGS: Final = frozenset({"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote"})
_TAG: Final = re.compile(r"<(/?)([A-Za-z-]*)([^<>]*)(>?)")


class TelegramRefused(Exception):
    """A call that the real one would refuse too."""

    def __init__(self, code: int, description: str, *, may_happen: bool = False, **parameters: int) -> None:
        """`may_happen`: a client that does all right may meet it."""
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters
        self.is_harmless = may_happen or bool(parameters) or "is not modified" in description


class ChatEntry(msgspec.Struct, kw_only=True):
    """A message as the chat keeps it."""

    id: int
    #: When it was posted, Unix ms.
    at: int
    #: What people read.
    text: str
    links: tuple[str, ...] = ()
    keyboard: list[list[dict[str, str]]] = []
    #: "photo", "document", or empty for a text.
    kind: str = ""
    #: Name of its picture.
    picture: str = ""
    reply_to: int | None = None
    is_edited: bool = False

    def shown(self) -> ChannelMessage:
        """As people see it."""
        return ChannelMessage(
            id=str(self.id),
            author="gridhook",
            at=self.at,
            lines=(*self.text.splitlines(), *self.links, *([f"[{self.kind}]"] if self.kind == "document" else [])),
            pictures=(self.picture,) if self.picture else (),
            rows=tuple(
                tuple(ChannelButton(id=button["callback_data"], label=button["text"]) for button in row)
                for row in self.keyboard
            ),
            thread=str(self.reply_to) if self.reply_to is not None else None,
            is_edited=self.is_edited,
        )


def read_text(text: object, parse_mode: object, most: int) -> tuple[str, tuple[str, ...]]:
    """What people read of a text, and the addresses that it links to. Raises TelegramRefused."""
    if not isinstance(text, str) or parse_mode not in (None, "HTML"):
        raise TelegramRefused(400, "Bad Request: unsupported parse_mode")
    shown, links = _without_tags(text) if parse_mode == "HTML" else (text, ())
    if len(shown.strip().encode("utf-16-le")) // 2 > most:
        too_long = "message is too long" if most == MAX_TEXT else "message caption is too long"
        raise TelegramRefused(400, f"Bad Request: {too_long}")
    if most == MAX_TEXT and not shown.strip():
        raise TelegramRefused(400, "Bad Request: message text is empty")
    return shown.strip(), links


def _without_tags(text: str) -> tuple[str, tuple[str, ...]]:
    open_tags: list[str] = []
    links: list[str] = []
    for found in _TAG.finditer(text):
        offset = len(text[: found.start()].encode())
        ending, name, attributes, end = found.groups()
        if name.lower() not in TAGS or not end:
            raise _bad_html(f'Unsupported start tag "{name}" at byte offset {offset}')
        if not ending:
            open_tags.append(name.lower())
            links += re.findall(r'href="([^"]*)"', attributes)
        elif not open_tags or open_tags.pop() != name.lower():
            raise _bad_html(f"Unmatched end tag at byte offset {offset}")
    if open_tags:
        raise _bad_html(f'Can\'t find end tag corresponding to start tag "{open_tags[-1]}"')
    return html.unescape(_TAG.sub("", text)), tuple(html.unescape(link) for link in links)


def _bad_html(why: str) -> TelegramRefused:
    return TelegramRefused(400, f"Bad Request: can't parse entities: {why}")


def read_keyboard(markup: object) -> list[list[dict[str, str]]]:
    """The buttons below a message. Raises TelegramRefused."""
    if markup is None:
        return []
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise TelegramRefused(400, "Bad Request: object expected as reply markup")
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS:
        raise TelegramRefused(400, "Bad Request: reply markup is too long")
    for button in buttons:
        _check_button(button)
    return rows


def _check_button(button: Any) -> None:
    data = button.get("callback_data") if isinstance(button, dict) else None
    if not isinstance(data, str) or button.keys() - {"text", "callback_data"} or not button.get("text"):
        raise TelegramRefused(400, "Bad Request: text buttons are unallowed in the inline keyboard")
    if not 1 <= len(data.encode()) <= MAX_DATA:
        raise TelegramRefused(400, "Bad Request: BUTTON_DATA_INVALID")


def check_file(kind: str, body: bytes) -> str:
    """The media type of a new picture. Raises TelegramRefused."""
    if len(body) > (MAX_PHOTO if kind == "photo" else MAX_DOCUMENT):
        raise TelegramRefused(413, "Request Entity Too Large")
    try:
        facts = examine(body)
    except ForeignRefused:
        if kind == "photo":
            raise TelegramRefused(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
        return "application/octet-stream"
    short, long = sorted((facts.width, facts.height))
    if kind == "photo" and (short + long > MAX_SIDES or long > MAX_RATIO * short):
        raise TelegramRefused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    if kind == "photo" and facts.type not in ("image/jpeg", "image/png"):
        raise TelegramRefused(400, "Bad Request: IMAGE_PROCESS_FAILED")
    return facts.type
