"""Telegram's presses: asked for, done, confirmed, answered; and what is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from handlers.http.transport import HttpTransport
from handlers.telegram import Telegram, presses
from receiver.contracts import CallNetwork, Listening, Press
from receiver.errors import ListeningRefused, NoAnswer, StoreUnavailable, Unmapped
from receiver.pretend.platforms.channel.messages import ChannelPerson
from receiver.pretend.platforms.telegram.messages import TelegramRefused
from receiver.pretend.platforms.telegram.server import PretendTelegram, TelegramOptions
from support.chat_events import asking
from support.delivering import Bound
from support.platforms import CHAT, NOW, Hosts, telegram

ADA: Final = ChannelPerson(id="1001", name="Ada")


def update(**changes: Any) -> bytes:
    """A press as Telegram tells it."""
    query = {
        "id": "4382000000000000001",
        "from": {"id": 1001, "is_bot": False, "first_name": "Ada", "username": "ada"},
        "message": {"message_id": 5, "chat": {"id": CHAT.chat, "type": "supergroup"}},
        "chat_instance": "1",
        "data": "code",
    }
    return json.dumps({"update_id": 7, "callback_query": {**query, **changes}}).encode()


class Ear:
    """A sink that listens; `heard` is what it was told."""

    def __init__(self, options: TelegramOptions = CHAT) -> None:
        #: Telegram's clock and ours, Unix ms.
        self.now = NOW
        self.telegram = PretendTelegram(options, clock=lambda: self.now)
        self.hosts = Hosts(telegram=self.telegram.app)
        self.transport = HttpTransport(self.hosts)
        self.handler: Telegram = telegram()
        self.heard: asyncio.Queue[Press] = asyncio.Queue()
        self.connections = 0
        self.is_in = asyncio.Event()
        self.failing = False

    async def take(self, body: bytes) -> None:
        if self.failing:
            raise StoreUnavailable("the disk is full")
        pressed = self.handler.read_heard(body, self.now)
        if pressed.reply_to:
            await self.handler.reply_to_press(pressed, "", self.transport)
        self.heard.put_nowait(pressed)

    def connected(self) -> None:
        self.connections += 1
        self.is_in.set()

    async def listen(self) -> None:
        listening = Listening(
            transport=self.transport,
            network=CallNetwork(),
            clock=lambda: self.now,
            take=self.take,
            connected=self.connected,
        )
        await self.handler.listen(listening)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.listen())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def asked(self) -> None:
        """Posts a question."""
        await Bound(self.handler, self.transport, NOW).deliver(asking())


async def test_a_press_is_taken_once_and_answered() -> None:
    ear = Ear()
    await ear.asked()
    async with ear.listening():
        await ear.is_in.wait()
        code = ear.telegram.messages[1].keyboard[0][1]["callback_data"]
        assert await ear.telegram.press("1", code, ADA) == ""
        pressed = await ear.heard.get()
        assert (pressed.button, pressed.by, pressed.is_own_channel) == (code, "telegram:1001 Ada", True)
        assert await ear.telegram.press("1", code, ADA) == ""
        await ear.heard.get()
    assert ear.heard.empty()
    assert ear.connections == 1
    assert ear.telegram.mistakes == []


async def test_a_press_that_cannot_be_kept_is_not_confirmed() -> None:
    ear = Ear()
    await ear.asked()
    code = ear.telegram.messages[1].keyboard[0][1]["callback_data"]
    ear.telegram.updates.add(ear.telegram.messages[1], code, ADA)
    ear.failing = True
    with pytest.raises(StoreUnavailable):
        await ear.listen()
    ear.failing = False
    async with ear.listening():
        assert (await ear.heard.get()).button == code


async def test_a_press_of_before_counts_if_telegram_still_takes_an_answer() -> None:
    ear = Ear()
    await ear.asked()
    entry = ear.telegram.messages[1]
    codes = [button["callback_data"] for button in entry.keyboard[0]]
    old = ear.telegram.updates.add(entry, codes[0], ADA)
    ear.now += 100_000
    late = ear.telegram.updates.add(entry, codes[1], ADA)
    async with ear.listening():
        pressed = await ear.heard.get()
        assert (pressed.button, pressed.reply_to) == (codes[1], "")
        # From now on it is known when a press was made.
        assert await ear.telegram.press("1", codes[2], ADA) == ""
        assert (await ear.heard.get()).button == codes[2]
    assert ear.heard.empty()
    assert ear.telegram.updates.answers[late] == presses.HEARD
    assert old not in ear.telegram.updates.answers
    assert ear.telegram.mistakes == []


async def test_a_press_that_came_while_the_machine_slept_is_one_of_before() -> None:
    ear = Ear()
    await ear.asked()
    entry = ear.telegram.messages[1]
    code = entry.keyboard[0][0]["callback_data"]
    async with ear.listening():
        await ear.is_in.wait()
        await ear.telegram.press("1", code, ADA)
        await ear.heard.get()
        ear.now += presses.SURELY_FRESH_S * 1000 + 1
        query = ear.telegram.updates.add(entry, code, ADA)
        assert (await ear.heard.get()).reply_to == ""
    assert ear.telegram.updates.answers[query] == presses.HEARD


async def test_a_press_that_nobody_can_date_waits_while_telegram_is_broken() -> None:
    ear = Ear()
    await ear.asked()
    code = ear.telegram.messages[1].keyboard[0][0]["callback_data"]
    ear.telegram.updates.add(ear.telegram.messages[1], code, ADA)
    ear.telegram.faults.append("502")
    with pytest.raises(NoAnswer):
        await ear.listen()
    assert ear.heard.empty()
    async with ear.listening():
        assert (await ear.heard.get()).button == code


async def test_a_shutdown_does_not_wait_for_the_poll() -> None:
    ear = Ear()
    polling = asyncio.Event()

    async def poll(*_: object) -> Any:
        polling.set()
        await asyncio.Event().wait()

    ear.telegram.updates.poll = poll  # type: ignore[method-assign,assignment]
    async with ear.listening():
        await polling.wait()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5


async def test_somebody_else_who_asks_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presses, "CONFLICT_WAIT_S", 0.0)
    ear = Ear()
    said = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    ear.telegram.updates.poll = _refusing(409, said)  # type: ignore[method-assign]
    with pytest.raises(ListeningRefused, match="another program"):
        await ear.listen()
    assert list(ear.telegram.calls) == ["getUpdates"] * presses.MOST_CONFLICTS
    said = (
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    )
    ear.telegram.updates.poll = _refusing(409, said)  # type: ignore[method-assign]
    with pytest.raises(ListeningRefused, match="deleteWebhook"):
        await ear.listen()


async def test_a_token_that_is_not_known_is_for_a_person_and_a_broken_server_passes() -> None:
    ear = Ear()
    ear.telegram.updates.poll = _refusing(502, "Bad Gateway")  # type: ignore[method-assign]
    with pytest.raises(NoAnswer):
        await ear.listen()
    stranger = Ear(TelegramOptions(token="1:x"))
    with pytest.raises(ListeningRefused, match="BotFather"):
        await stranger.listen()


def _refusing(code: int, description: str) -> Any:
    async def poll(*_: object) -> Any:
        raise TelegramRefused(code, description)

    return poll


async def test_a_second_poller_ends_the_first_ones_poll() -> None:
    ear = Ear()
    first = asyncio.create_task(ear.telegram.updates.poll(0, 50, 100))
    await asyncio.sleep(0)
    second = asyncio.create_task(ear.telegram.updates.poll(0, 50, 100))
    with pytest.raises(Exception, match="other getUpdates"):
        await first
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


def test_the_bot_is_the_account_and_deciders_may() -> None:
    assert telegram().listens_as == telegram(chat="@other").listens_as
    assert telegram().listens_as != telegram(api_url="http://other.test").listens_as
    picky = telegram(deciders=("1002",))
    assert not picky.read_heard(update(), NOW).may_decide
    assert (
        picky.read_heard(update(**{"from": {"id": 1002, "first_name": "Bea\n\u202e"}}), NOW).by == "telegram:1002 Bea"
    )
    elsewhere = update(message={"message_id": 5, "chat": {"id": 9, "username": "Other"}})
    assert not telegram().read_heard(elsewhere, NOW).is_own_channel
    assert telegram(chat="@other").read_heard(elsewhere, NOW).is_own_channel


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"update_id":1,"message":{}}',
        update(data=None),
        update(data=["x"]),
        update(id=7),
        update(**{"from": None}),
        update(**{"from": {"id": "1001"}}),
        update(**{"from": {"id": True}}),
    ],
)
def test_what_is_no_press_is_told_apart(body: bytes) -> None:
    with pytest.raises(Unmapped):
        telegram().read_heard(body, NOW)
