"""A message as Discord's API takes it: JSON, or a form where a picture goes with it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from handlers.chat.pictures import ChatPicture
from handlers.discord.message import MAX_ALT_TEXT, MAX_CONTENT, DiscordMessage
from handlers.discord.wording import bounded
from handlers.http.multipart import FormBody, FormFile, form_body

#: Names nobody, whatever stands in a prompt.
NO_MENTIONS: Final = {"parse": ()}
Fields = dict[str, Any]


class DraftMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message with its picture: a new one, the one that it has already, or the vendor's address of one."""

    message: DiscordMessage
    upload: ChatPicture | None = None
    #: Id and name of the file that the message has already, `123/picture.png`; empty = none is kept.
    kept_file: str = ""
    #: Shown by its address, where there is no file.
    picture_url: str | None = None
    #: Whether it may have buttons.
    has_buttons: bool = False
    #: What makes a repeat of a new message the same message; empty = nothing.
    nonce: str = ""
    #: Id of the first message about the family, which a new message answers; empty = it stands by itself.
    answers: str = ""

    def encode(self) -> FormBody:
        """The body of a call, and its media type."""
        fields = {**self._common(self.message.content), "embeds": self._embeds(), "attachments": self._attachments()}
        encoded = msgspec.json.encode(fields)
        if self.upload is None:
            return FormBody("application/json", encoded)
        file = FormFile(name=self.upload.name, type=self.upload.about.type, body=self.upload.body)
        return form_body({"payload_json": encoded.decode()}, {"files[0]": file})

    def encode_plain(self) -> FormBody:
        """The same without picture and embed, where Discord will not have them."""
        text = "\n".join(part for part in (self.message.content, self.message.description) if part)
        fields = {**self._common(bounded(text, MAX_CONTENT)), "embeds": [], "attachments": []}
        return FormBody("application/json", msgspec.json.encode(fields))

    def _common(self, content: str) -> Fields:
        fields: Fields = {"content": content, "allowed_mentions": NO_MENTIONS}
        if self.has_buttons:
            fields["components"] = self.message.components
        if self.nonce:
            fields |= {"nonce": self.nonce, "enforce_nonce": True}
        if self.answers:
            fields["message_reference"] = {"message_id": self.answers, "fail_if_not_exists": False}
        return fields

    def _embeds(self) -> list[Fields]:
        embed: Fields = {}
        if self.message.description:
            embed["description"] = self.message.description
        image = self._image()
        if image is not None:
            embed["image"] = {"url": image}
        return [embed] if embed else []

    def _image(self) -> str | None:
        if self.upload is not None:
            return f"attachment://{self.upload.name}"
        if self.kept_file:
            return f"attachment://{self.kept_file.partition('/')[2]}"
        return self.picture_url

    def _attachments(self) -> list[Fields]:
        """Every file that the message shall have: what is not listed is taken off it (documented)."""
        if self.upload is not None:
            return [{"id": 0, "filename": self.upload.name, "description": self.message.alt_text[:MAX_ALT_TEXT]}]
        return [{"id": self.kept_file.partition("/")[0]}] if self.kept_file else []
