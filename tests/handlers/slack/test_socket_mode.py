"""Socket Mode: presses are heard, acknowledged once they are on disk, and connections are renewed without a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from handlers.http.transport import HttpTransport
from handlers.slack.socket_mode import SlackSocket
from receiver.contracts import CallNetwork, Listening
from receiver.errors import ListeningRefused, StoreUnavailable, TransportError
from receiver.lib.signatures import Secret
from receiver.lib.times import system_clock
from receiver.pretend.loopback import serve
from receiver.pretend.platforms.slack.server import PretendSlack

LONG_S = 20.0
APP_TOKEN = "xapp-pretend"


class Heard:
    """What a listener took, and what it meets when it does."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.connected = 0
        self.failing = False

    async def take(self, body: bytes) -> None:
        if self.failing:
            raise StoreUnavailable("the disk is full")
        self.bodies.append(msgspec.json.decode(body))

    def note(self) -> None:
        self.connected += 1


@asynccontextmanager
async def a_listener(slack: PretendSlack, heard: Heard, token: str = APP_TOKEN) -> AsyncIterator[asyncio.Task[None]]:
    async with serve(slack.app) as root:
        transport = HttpTransport()
        listening = Listening(
            transport=transport, network=CallNetwork(), clock=system_clock, take=heard.take, connected=heard.note
        )
        task = asyncio.create_task(SlackSocket(f"{root}/api", Secret(token)).listen(listening))
        try:
            async with asyncio.timeout(LONG_S):
                yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await transport.aclose()


async def test_a_press_is_heard_and_acknowledged() -> None:
    slack, heard = PretendSlack(), Heard()
    async with a_listener(slack, heard):
        await slack.sockets.until_connected()
        assert await slack.sockets.send({"type": "block_actions"})
        assert heard.bodies == [{"type": "block_actions"}]
        assert heard.connected == 1
    assert slack.workspace.mistakes == []


async def test_what_cannot_be_kept_is_not_acknowledged_and_the_connection_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("receiver.pretend.platforms.slack.sockets.ACK_S", 0.3)
    slack, heard = PretendSlack(), Heard()
    async with a_listener(slack, heard):
        await slack.sockets.until_connected()
        heard.failing = True
        assert not await slack.sockets.send({"number": 1})
        heard.failing = False
        assert await slack.sockets.send({"number": 2})
    assert heard.bodies == [{"number": 2}]


async def test_the_next_connection_is_open_before_slack_ends_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.slack.socket_mode.RENEW_WAIT_S", 0.01)
    slack, heard = PretendSlack(), Heard()
    async with a_listener(slack, heard):
        await slack.sockets.until_connected()
        await slack.sockets.refresh()
        await slack.sockets.until_connected(2)
        assert len(slack.sockets.connections) == 2
        old = slack.sockets.connections[0]
        assert await slack.sockets.send({"number": 1})
        await old.close()
        await slack.sockets.until_left(1)
        assert await slack.sockets.send({"number": 2})
    assert heard.bodies == [{"number": 1}, {"number": 2}]
    assert heard.connected == 2


async def test_a_connection_that_is_cut_is_a_failure_that_may_pass() -> None:
    slack = PretendSlack()
    async with a_listener(slack, Heard()) as listening:
        await slack.sockets.until_connected()
        await slack.sockets.connections[0].close()
        with pytest.raises(TransportError, match="closed the connection"):
            await listening


async def test_socket_mode_that_is_switched_off_is_for_a_person() -> None:
    slack = PretendSlack()
    async with a_listener(slack, Heard()) as listening:
        await slack.sockets.until_connected()
        await slack.sockets.switch_off()
        with pytest.raises(ListeningRefused, match="switched off"):
            await listening


@pytest.mark.parametrize(
    ("token", "words"), [("xapp-other", "invalid_auth.*new app-level"), ("xoxb-pretend", "must be the app-level")]
)
async def test_a_token_that_is_not_let_in_is_for_a_person(token: str, words: str) -> None:
    async with a_listener(PretendSlack(), Heard(), token) as listening:
        with pytest.raises(ListeningRefused, match=words) as caught:
            await listening
    assert token not in str(caught.value)


async def test_an_eleventh_connection_is_refused_and_may_pass() -> None:
    slack = PretendSlack()
    slack.sockets.connections.extend([None] * 10)  # type: ignore[list-item]  # they only have to be counted
    async with a_listener(slack, Heard()) as listening:
        with pytest.raises(TransportError, match="too_many_websockets"):
            await listening


async def test_slack_that_is_not_there_may_pass() -> None:
    transport = HttpTransport()
    heard = Heard()
    listening = Listening(
        transport=transport, network=CallNetwork(), clock=system_clock, take=heard.take, connected=heard.note
    )
    with pytest.raises(TransportError):
        await SlackSocket("http://127.0.0.1:9/api", Secret("xapp-1")).listen(listening)
    await transport.aclose()


async def test_a_connection_that_would_lead_elsewhere_is_not_made() -> None:
    def side(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"ok": True, "url": "wss://elsewhere.test/link/?ticket=1"})

    heard = Heard()
    listening = Listening(
        transport=HttpTransport(httpx.MockTransport(side)),
        network=CallNetwork(),
        clock=system_clock,
        take=heard.take,
        connected=heard.note,
    )
    with pytest.raises(TransportError, match="of its own"):
        await SlackSocket("https://slack.com/api", Secret(APP_TOKEN)).listen(listening)


async def test_a_shutdown_while_slack_has_not_said_hello_leaves_nothing_open() -> None:
    slack = PretendSlack()
    came, gone = asyncio.Event(), asyncio.Event()

    async def say_nothing(socket: WebSocket) -> None:
        await socket.accept()
        came.set()
        await socket.receive()
        gone.set()

    slack.app.routes[:] = [WebSocketRoute("/link/", say_nothing), *slack.app.routes]
    async with a_listener(slack, Heard()) as listening:
        await came.wait()
        listening.cancel()
        await gone.wait()
