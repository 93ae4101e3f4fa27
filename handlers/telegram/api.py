"""Telegram's Bot API: calls, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from handlers.http.addresses import keys_in
from handlers.http.answers import outcome_of, quote
from handlers.http.multipart import FormFile, form_body
from receiver.contracts import Answer, Call, Transport
from receiver.errors import NotJson
from receiver.lib.backoff import LONGEST_S
from receiver.lib.signatures import Secret
from receiver.lib.strict_json import read_json
from receiver.model.deliveries import Again, Dead, Delivered, Outcome

NOT_TELEGRAM: Final = "the answer is not one of Telegram's Bot API"
#: Pieces of Telegram's words (seen in its server's code) to what helps; the advice is ours.
REMEDIES: Final = {
    "chat not found": "check the chat's id, and write to the bot once or add it to the group",
    "bot was blocked": "unblock the bot in that chat, or configure another one",
    "bot was kicked": "add the bot to the group again",
    "bot is not a member": "add the bot to the group or channel",
    "not enough rights": "let the bot send messages and media in that chat",
    "group chat was deleted": "configure another chat",
}
_NEW_TOKEN: Final = "get the bot's token from @BotFather"  # noqa: S105  # advice, not a token


class TelegramAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of the Bot API."""

    answer: Answer
    ok: bool = False
    result: Any = None
    #: Telegram's words for what went wrong; empty if there are none that can be read.
    description: str = ""
    #: Seconds that it wants us to wait.
    retry_after_s: float | None = None
    #: Where the chat has moved to.
    migrated_to: str | None = None

    def says(self, *pieces: str) -> bool:
        """Whether it is a refusal with one of these pieces in its words."""
        return not self.ok and any(piece in self.description for piece in pieces)


class BotApi:
    """Calls with a bot's token, which is in their addresses: those are shown nowhere."""

    def __init__(self, api: str, token: Secret) -> None:
        """`api` is the base address, without a slash at its end."""
        self._base = f"{api}/bot{token.reveal()}"
        self._hidden = (token, *keys_in(self._base))

    async def call(
        self,
        transport: Transport,
        seconds: float,
        method: str,
        fields: Mapping[str, Any],
        files: Mapping[str, FormFile] | None = None,
    ) -> TelegramAnswer:
        """What a method answers within so many seconds. Raises TransportError if there is no answer."""
        if files:
            content_type, body = form_body({name: _as_text(value) for name, value in fields.items()}, files)
        else:
            content_type, body = "application/json", msgspec.json.encode(fields)
        call = Call(method="POST", url=f"{self._base}/{method}", headers={"content-type": content_type}, body=body)
        return _read(await transport.send(call, seconds))

    def outcome(self, said: TelegramAnswer, now: int) -> Outcome:
        """What an answer to a delivery means. `now` is Unix ms."""
        outcome = outcome_of(said.answer, now, self._hidden)
        if isinstance(outcome, Delivered) and not said.ok:
            words = quote(said.description.encode("utf-8", "replace"), self._hidden)
            return Again(note=f"Telegram: {words}" if words else NOT_TELEGRAM, status=outcome.status)
        if isinstance(outcome, Again) and said.retry_after_s is not None:
            return msgspec.structs.replace(outcome, after=max(outcome.after or 0.0, said.retry_after_s))
        if isinstance(outcome, Dead):
            remedy = self._remedy(outcome, said.description)
            return msgspec.structs.replace(outcome, note=f"{outcome.note}: {remedy}") if remedy else outcome
        return outcome

    def _remedy(self, outcome: Dead, description: str) -> str | None:
        # 404 is Telegram's answer to what does not look like a token.
        if outcome.status in (401, 404) and description.startswith(("Unauthorized", "Not Found")):
            return _NEW_TOKEN
        return next((remedy for piece, remedy in REMEDIES.items() if piece in description), None)


def _as_text(value: object) -> str:
    """A field of a form: what is no text is written as JSON (documented)."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _read(answer: Answer) -> TelegramAnswer:
    try:
        value = read_json(answer.body)
    except NotJson:
        value = None
    if not isinstance(value, dict):
        return TelegramAnswer(answer=answer)
    more = value.get("parameters")
    more = more if isinstance(more, dict) else {}
    wait, chat, words = more.get("retry_after"), more.get("migrate_to_chat_id"), value.get("description")
    return TelegramAnswer(
        answer=answer,
        ok=value.get("ok") is True and answer.status // 100 == 2,
        result=value.get("result"),
        description=words if isinstance(words, str) else "",
        retry_after_s=float(wait) if type(wait) is int and 0 <= wait <= LONGEST_S else None,
        migrated_to=str(chat) if type(chat) is int else None,
    )
