"""The pretend Slack as a test's network: no server, pictures for every address, and presses as Slack posts them."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from handlers.slack import Slack
from receiver.contracts import Sink
from receiver.lib.signatures import Secret
from receiver.lib.times import Clock, system_clock
from receiver.pretend import pictures
from receiver.pretend.platforms.slack import clicks
from receiver.pretend.platforms.slack.server import PretendSlack
from receiver.pretend.platforms.slack.workspace import SlackMessage, SlackOptions

TOKEN: Final = "xoxb-pretend"
SIGNING: Final = "a-signing-secret-of-slack"
CHANNEL: Final = "C0123456789"
API: Final = "https://slack.test/api"
OPTIONS: Final = SlackOptions(token=TOKEN, signing_secret=SIGNING, channel=CHANNEL, burst=1_000_000)


def bot(**changes: Any) -> Slack:
    """A Slack sink in bot mode, with buttons."""
    fields: dict[str, Any] = {"token": Secret(TOKEN), "channel": CHANNEL, "signing_secret": Secret(SIGNING)}
    return Slack(Slack.Options(**{**fields, "api_url": API, **changes}))


def team(**changes: Any) -> dict[str, Sink]:
    """The sink `team`, as the configuration has it."""
    return {"team": Sink(name="team", handler=bot(**changes))}


async def any_picture(url: str) -> bytes | None:
    """A picture for every address but those that say that there is none."""
    return None if "missing" in url else pictures.single(url, "", 32)


class SlackSide:
    """The pretend Slack at slack.test, for a mock network. It stands behind `pretend`."""

    def __init__(self, options: SlackOptions = OPTIONS, clock: Clock = system_clock) -> None:
        self.pretend = PretendSlack(options, clock=clock, fetch=any_picture)
        self._transport = httpx.ASGITransport(self.pretend.app)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to a call."""
        async with httpx.AsyncClient(transport=self._transport) as client:
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            answer = await client.request(request.method, request.url, content=request.content, headers=headers)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def mistakes(self) -> list[str]:
        """What Slack would not have taken."""
        return self.pretend.workspace.mistakes

    @property
    def messages(self) -> list[SlackMessage]:
        """What everybody sees, oldest first."""
        return [one for one in self.pretend.workspace.messages.values() if one.only_for is None]

    @property
    def whispers(self) -> list[SlackMessage]:
        """What one person was told, oldest first."""
        return [one for one in self.pretend.workspace.messages.values() if one.only_for is not None]

    @property
    def asked(self) -> SlackMessage:
        """The newest message with buttons, or the newest."""
        return next((one for one in reversed(self.messages) if clicks.buttons_of(one)), self.messages[-1])

    def buttons(self) -> dict[str, str]:
        """By label: what the buttons of that message carry."""
        return {one["action_id"]: one["value"] for one in clicks.buttons_of(self.asked)} if self.messages else {}

    def says(self, words: str) -> bool:
        """Whether a message shows these words."""
        return any(words in json.dumps(one.blocks, ensure_ascii=False) for one in self.messages)


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
    return clicks.signed(body, secret, lambda: now)
