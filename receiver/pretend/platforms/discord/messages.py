"""Messages of the pretend Discord: what it takes as one, and how people see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from receiver.pretend.platforms.channel.forms import UploadedFile
from receiver.pretend.platforms.channel.messages import ChannelButton, ChannelMessage

#: Documented limits, in characters unless they are counts.
MAX_CONTENT: Final = 2000
MAX_DESCRIPTION: Final = 4096
MAX_EMBEDS: Final = 10
MAX_EMBED_TEXT: Final = 6000
MAX_ROWS: Final = 5
MAX_BUTTONS: Final = 5
MAX_LABEL: Final = 80
MAX_CUSTOM_ID: Final = 100
MAX_NONCE: Final = 25
MAX_FILE: Final = 10 * 1024 * 1024
KNOWN: Final = {
    "content",
    "embeds",
    "components",
    "attachments",
    "allowed_mentions",
    "nonce",
    "enforce_nonce",
    "message_reference",
    "flags",
}
INVALID_FORM: Final = 50035
Fields = dict[str, Any]


class DiscordRefused(Exception):
    """A call that the real one would refuse too."""

    def __init__(self, status: int, code: int, message: str, errors: Fields | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors


class PostedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a message."""

    id: str
    filename: str


class ChannelEntry(msgspec.Struct, kw_only=True):
    """A message as the channel keeps it."""

    id: str
    #: When it was posted, Unix ms.
    at: int
    content: str = ""
    embeds: list[Fields] = []
    components: list[Fields] = []
    files: tuple[PostedFile, ...] = ()
    answers: str | None = None
    nonce: str = ""
    is_edited: bool = False
    only_for: str | None = None
    #: Whether the bot posted it, so that it may edit it; else a webhook did.
    is_bots: bool = True

    def told(self, channel: str) -> Fields:
        """As the API tells it."""
        return {
            "id": self.id,
            "channel_id": channel,
            "content": self.content,
            "embeds": self.embeds,
            "components": self.components,
            "attachments": [msgspec.to_builtins(file) for file in self.files],
        }

    def buttons(self) -> Iterator[Fields]:
        """Its buttons."""
        for row in self.components:
            yield from row["components"]

    def shown(self) -> ChannelMessage:
        """As people see it."""
        texts = [self.content, *(str(embed.get("description", "")) for embed in self.embeds)]
        return ChannelMessage(
            id=self.id,
            author="gridhook",
            at=self.at,
            lines=tuple(plain(line) for text in texts for line in text.splitlines()),
            pictures=tuple(file.id for file in self.files),
            rows=tuple(
                tuple(ChannelButton(id=one["custom_id"], label=one["label"]) for one in row["components"])
                for row in self.components
            ),
            thread=self.answers,
            is_edited=self.is_edited,
            only_for=self.only_for,
        )


def plain(markdown: str) -> str:
    """Discord's Markdown as plain text: links as their label with the address, no escapes."""
    linked = re.sub(r"\[([^\]\\]*)\]\((https?://[^)]*)\)", r"\1 (\2)", markdown.removeprefix("-# "))
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", linked)


def check(
    fields: Fields, files: dict[str, UploadedFile], kept: tuple[PostedFile, ...] = (), *, is_edit: bool = False
) -> None:
    """Raises DiscordRefused for what is no message. `kept` are the files that it has already."""
    errors = dict(_mistakes(fields, files, kept))
    if errors:
        raise DiscordRefused(400, INVALID_FORM, "Invalid Form Body", errors)
    if not is_edit and not fields.get("content") and not fields.get("embeds") and not files:
        raise DiscordRefused(400, 50006, "Cannot send an empty message")
    if any(len(file.body) > MAX_FILE for file in files.values()):
        raise DiscordRefused(413, 40005, "Request entity too large")


def _mistakes(
    fields: Fields, files: dict[str, UploadedFile], kept: tuple[PostedFile, ...]
) -> Iterator[tuple[str, Fields]]:
    if len(str(fields.get("content") or "")) > MAX_CONTENT:
        yield _wrong("content", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length.")
    if len(str(fields.get("nonce", ""))) > MAX_NONCE:
        yield _wrong("nonce", "NONCE_TYPE_TOO_LONG", "Nonce must be at most 25 characters.")
    embeds = fields.get("embeds") or []
    texts = [str(embed.get("description", "")) for embed in embeds]
    if len(embeds) > MAX_EMBEDS or any(len(text) > MAX_DESCRIPTION for text in texts):
        yield _wrong("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    if sum(map(len, texts)) > MAX_EMBED_TEXT:
        yield _wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    names = {file.name for file in files.values()} | {file.filename for file in kept if file.id in _listed(fields)}
    for embed in embeds:
        url = str(embed.get("image", {}).get("url", "https://"))
        is_there = url.removeprefix("attachment://") in names if url.startswith("attachment:") else True
        if not is_there or not re.fullmatch(r"(https?|attachment)://[^\s]*", url) or len(url) > 2048:
            yield _wrong("embeds", "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    yield from _component_mistakes(fields.get("components") or [])


def _listed(fields: Fields) -> set[str]:
    return {str(one.get("id")) for one in fields.get("attachments") or []}


def _component_mistakes(rows: list[Fields]) -> Iterator[tuple[str, Fields]]:
    buttons = [button for row in rows for button in row.get("components", [])]
    ids = [str(button.get("custom_id", "")) for button in buttons]
    if len(rows) > MAX_ROWS or any(not 1 <= len(row.get("components", [])) <= MAX_BUTTONS for row in rows):
        yield _wrong("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    if any(row.get("type") != 1 for row in rows) or any(button.get("type") != 2 for button in buttons):
        yield _wrong("components", "UNION_TYPE_CHOICES", "Value of field type must be one of (1, 2).")
    if len(set(ids)) != len(ids):
        yield _wrong("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    if any(not 1 <= len(one) <= MAX_CUSTOM_ID for one in ids):
        yield _wrong("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    if any(not 1 <= len(str(button.get("label", ""))) <= MAX_LABEL for button in buttons):
        yield _wrong("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.")
    if any(button.get("style") not in (1, 2, 3, 4) for button in buttons):
        yield _wrong("components", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5}.")


def _wrong(field: str, code: str, message: str) -> tuple[str, Fields]:
    return field, {"_errors": [{"code": code, "message": message}]}
