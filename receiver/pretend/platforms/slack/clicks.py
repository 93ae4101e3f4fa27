"""Clicks on buttons: the payload that Slack makes of one, and how it comes to the app."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec

from receiver.lib.times import Clock
from receiver.pretend.platforms.channel.messages import ChannelPerson
from receiver.pretend.platforms.slack.sockets import SocketMode
from receiver.pretend.platforms.slack.workspace import APP, TEAM, SlackMessage, Workspace

#: How long an app has to answer, seconds (documented).
ANSWER_S: Final = 3.0
#: How long a response_url lives, ms, and how often it may be used (documented).
RESPONSE_LIFE_MS: Final = 1_800_000
RESPONSE_USES: Final = 5


class ResponseUrl(msgspec.Struct, kw_only=True):
    """An address at which the app may answer one click."""

    person: ChannelPerson
    message: SlackMessage
    #: When the click was made, Unix ms.
    at: int
    uses: int = 0


class Clicks:
    """Makes clicks, and brings them to the app: by its Socket Mode connection, or else to its request URL."""

    def __init__(self, workspace: Workspace, sockets: SocketMode, client: httpx.AsyncClient | None = None) -> None:
        """`client` posts to the request URL; one of its own if left out."""
        self._workspace = workspace
        self._sockets = sockets
        self._client = client
        self._numbers = itertools.count(1)
        #: Where answers to clicks may go, by the last part of the address.
        self.response_urls: dict[str, ResponseUrl] = {}

    async def click(self, ts: str, action_id: str, person: ChannelPerson, root: str) -> str:
        """Clicks a button of a message; returns what Slack shows the person of it, empty = nothing."""
        message = self._workspace.messages.get(ts)
        element = next((one for one in buttons_of(message) if one["action_id"] == action_id), None)
        if message is None or element is None:
            return "This button is not there any more."
        payload = self.payload(message, element, person, root)
        if self._sockets.connections:
            came = await self._sockets.send(payload)
            return "" if came else "Slack shows a warning: the app did not acknowledge within 3 seconds."
        if self._workspace.options.request_url is None:
            return "Nobody listens: no app is connected by Socket Mode, and there is no request URL."
        return await self._posted(self._workspace.options.request_url, payload)

    def payload(
        self, message: SlackMessage, element: dict[str, Any], person: ChannelPerson, root: str
    ) -> dict[str, Any]:
        """What Slack tells of a click on this button."""
        options, now = self._workspace.options, self._workspace.clock()
        number = next(self._numbers)
        token = f"{number}-{hashlib.sha256(str(number).encode()).hexdigest()[:16]}"
        self.response_urls[token] = ResponseUrl(person=person, message=message, at=now)
        threaded = {"thread_ts": message.thread_ts} if message.thread_ts else {}
        return {
            "type": "block_actions",
            "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": TEAM},
            "api_app_id": APP,
            "token": "not-used-any-more",
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": options.channel,
                "is_ephemeral": False,
                **threaded,
            },
            "trigger_id": f"{number}.{TEAM}",
            "team": {"id": TEAM, "domain": "pretend"},
            "channel": {"id": options.channel, "name": options.channel_name},
            "message": {"ts": message.ts, "text": message.text, "blocks": message.blocks, **threaded},
            "state": {"values": {}},
            "response_url": f"{root}/actions/{TEAM}/{token}",
            "actions": [{**element, "action_ts": f"{now / 1000:.6f}"}],
        }

    async def _posted(self, url: str, payload: dict[str, Any]) -> str:
        body = urlencode({"payload": msgspec.json.encode(payload).decode()}).encode()
        headers = signed(body, self._workspace.options.signing_secret, self._workspace.clock)
        client = self._client or httpx.AsyncClient(trust_env=False)
        try:
            answer = await client.post(url, content=body, headers=headers, timeout=ANSWER_S)
        except (httpx.HTTPError, httpx.InvalidURL) as wrong:
            return f"Slack shows a warning: the app did not answer ({type(wrong).__name__})."
        finally:
            if client is not self._client:
                await client.aclose()
        return "" if answer.status_code == 200 else f"Slack shows a warning: the app answered {answer.status_code}."


def buttons_of(message: SlackMessage | None) -> list[dict[str, Any]]:
    """The buttons of a message."""
    blocks = message.blocks if message is not None else []
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def signed(body: bytes, secret: str, clock: Clock) -> dict[str, str]:
    """Slack's headers of a body that is posted now."""
    timestamp = str(clock() // 1000)
    mac = hmac.new(secret.encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={mac}",
    }
