"""A strict pretend Slack: it refuses what Slack documents that it refuses, and presses buttons as Slack posts them."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from handlers.slack import Slack
from receiver.contracts import Sink
from receiver.lib.signatures import Secret

TOKEN: Final = "xoxb-pretend"
SIGNING: Final = "a-signing-secret-of-slack"
CHANNEL: Final = "C0123456789"
KNOWN: Final = {
    "chat.postMessage": {"channel", "text", "blocks", "unfurl_links", "unfurl_media"},
    "chat.update": {"channel", "ts", "text", "blocks"},
}


def bot(**changes: Any) -> Slack:
    """A Slack sink in bot mode, with buttons."""
    fields: dict[str, Any] = {"token": Secret(TOKEN), "channel": CHANNEL, "signing_secret": Secret(SIGNING)}
    return Slack(Slack.Options(**{**fields, "api_url": "https://slack.test/api", **changes}))


def team(**changes: Any) -> dict[str, Sink]:
    """The sink `team`, as the configuration has it."""
    return {"team": Sink(name="team", handler=bot(**changes))}


class PretendSlack:
    """One workspace with one channel; `messages` are what it shows, by their `ts`."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.mistakes: list[str] = []
        self._numbers = itertools.count(1)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to a call of the Web API."""
        method = request.url.path.rsplit("/", 1)[1]
        fields = json.loads(request.content)
        error = self._error(request, method, fields)
        if error:
            self.mistakes.append(error)
            return httpx.Response(200, json={"ok": False, "error": error})
        ts = fields.get("ts") or f"{1_700_000_000 + next(self._numbers)}.000100"
        self.messages[ts] = fields
        return httpx.Response(200, json={"ok": True, "ts": ts, "channel": CHANNEL})

    def _error(self, request: httpx.Request, method: str, fields: dict[str, Any]) -> str:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return "invalid_auth"
        if fields.keys() - KNOWN.get(method, set()):
            return "invalid_arguments"
        if fields["channel"] != CHANNEL:
            return "channel_not_found"
        if method == "chat.update" and fields["ts"] not in self.messages:
            return "message_not_found"
        return "" if fields["text"] and _blocks_fit(fields["blocks"]) else "invalid_blocks"

    @property
    def shown(self) -> dict[str, Any]:
        """The one message there is."""
        (message,) = self.messages.values()
        return message

    def buttons(self) -> dict[str, str]:
        """By label: what the buttons of the one message carry."""
        return {element["action_id"]: element["value"] for element in elements(self.shown["blocks"])}


def elements(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The buttons in blocks."""
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def _blocks_fit(blocks: list[dict[str, Any]]) -> bool:
    """Whether blocks are within Slack's documented limits."""
    buttons = elements(blocks)
    rows = [block for block in blocks if block["type"] == "actions"]
    texts = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    return (
        0 < len(blocks) <= 50
        and len(json.dumps(blocks)) <= 13_000
        and all(0 < len(text) <= 3000 for text in texts)
        and all(0 < len(row["elements"]) <= 25 and len(row["block_id"]) <= 255 for row in rows)
        and len({row["block_id"] for row in rows}) == len(rows)
        and all(len({one["action_id"] for one in row["elements"]}) == len(row["elements"]) for row in rows)
        and all(0 < len(one["text"]["text"]) <= 75 and one["text"]["type"] == "plain_text" for one in buttons)
        and all(0 < len(one["value"]) <= 2000 for one in buttons)
    )


def press_body(code: str, user: str = "U0ADA", name: str = "Ada", channel: str = CHANNEL, **more: Any) -> bytes:
    """The form that Slack posts when somebody presses a button."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": name, "team_id": "T0"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": channel},
        "channel": {"id": channel, "name": "pictures"},
        "response_url": "https://hooks.slack.test/actions/x",
        "actions": [{"action_id": "U1", "block_id": "tiles", "value": code, "type": "button", "action_ts": "1.2"}],
        **more,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, now: int, secret: str = SIGNING) -> dict[str, str]:
    """Slack's headers of a body, signed at this moment (Unix ms)."""
    timestamp = str(now // 1000)
    mac = hmac.new(secret.encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={mac}",
    }
