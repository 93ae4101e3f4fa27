"""The other ends of sinks, as strict as the vendors document them: what they would refuse fails here too."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import msgspec
from aiosmtpd.smtp import SMTP

NTFY_KEYS: Final = {"topic", "message", "title", "tags", "priority", "click", "attach", "markdown", "actions"}
WEB: Final = re.compile(r"https?://[!-~]+")
#: Bytes of a Teams message (documented).
MAX_TEAMS: Final = 28 * 1024


class StrictNtfy:
    """An ntfy server: takes JSON at its root, and answers as the documentation says. `messages` is what it took."""

    def __init__(self, token: str | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self._token = token

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self._token is not None and request.headers.get("authorization") != f"Bearer {self._token}":
            return _ntfy_error(40101, "unauthorized")
        if (request.method, request.url.path) != ("POST", "/"):
            return _ntfy_error(40401, "page not found")
        try:
            message = msgspec.json.decode(request.content, type=dict[str, Any])
        except msgspec.MsgspecError:
            return _ntfy_error(40024, "invalid request: request body must be valid JSON")
        return self._taken(message)

    def _taken(self, message: dict[str, Any]) -> httpx.Response:
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", str(message.get("topic"))):
            return _ntfy_error(40009, "invalid request: topic invalid")
        if not set(message) <= NTFY_KEYS or message.get("priority") not in (1, 2, 3, 4, 5):
            return _ntfy_error(40007, "invalid priority parameter")
        if not 0 < len(message["message"].encode()) <= 4096 or "\n" in message.get("title", ""):
            return _ntfy_error(41301, "message too large")
        if not all(WEB.fullmatch(message.get(key, "http://x")) for key in ("attach", "click")):
            return _ntfy_error(40013, "invalid request: attachment URL is invalid")
        self.messages.append(message)
        return httpx.Response(200, json={"id": "x", "time": 1, "event": "message", "topic": message["topic"]})


def _ntfy_error(code: int, error: str) -> httpx.Response:
    return httpx.Response(code // 100, json={"code": code, "http": code // 100, "error": error})


class StrictTeams:
    """A Workflows webhook: takes one Adaptive Card of 28 KB at most. `cards` is what it took."""

    def __init__(self) -> None:
        self.cards: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if len(request.content) > MAX_TEAMS:
            return httpx.Response(413)
        message = msgspec.json.decode(request.content)
        (attachment,) = message["attachments"]
        card = attachment["content"]
        right = message["type"] == "message" and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        right = right and card["type"] == "AdaptiveCard" and card["version"] in ("1.4", "1.5")
        right = right and all(part["type"] in ("TextBlock", "Image") for part in card["body"])
        right = right and all(WEB.fullmatch(part["url"]) for part in card["body"] if part["type"] == "Image")
        right = right and len(card["actions"]) <= 6 and all(WEB.fullmatch(one["url"]) for one in card["actions"])
        if not right:
            return httpx.Response(400, text="InvalidBotAdaptiveCard")
        self.cards.append(card)
        return httpx.Response(202)


class StrictMailbox:
    """What a mail server does with mail: refuses whom it does not know. `mails` is what it took."""

    def __init__(self, unknown: frozenset[str] = frozenset(), reply: str = "250 OK") -> None:
        self.mails: list[bytes] = []
        self._unknown = unknown
        self._reply = reply

    async def handle_RCPT(
        self, server: object, session: object, envelope: Any, address: str, options: object
    ) -> str:  # aiosmtpd's name
        """Takes a recipient, or refuses it for good."""
        if address in self._unknown:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # aiosmtpd's name
        """Takes a mail, or answers as told. No line may be longer than 998 bytes (RFC 5322)."""
        if max(map(len, envelope.content.splitlines())) > 998:
            return "552 line too long"
        if self._reply.startswith("250"):
            self.mails.append(envelope.content)
        return self._reply


@asynccontextmanager
async def mail_server(mailbox: StrictMailbox, **how: Any) -> AsyncIterator[int]:
    """A mail server on a free port of this machine, for as long as the block runs; its port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="mail.example", **how), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
