"""The demo's channel: what is waited for in it, and presses as its page makes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from receiver.demo.channel import DemoChannel, archived_words, label_of_tile
from receiver.pretend.loopback import serve
from receiver.pretend.platforms.slack.server import PretendSlack
from receiver.pretend.platforms.slack.workspace import SlackMessage, SlackOptions
from support.delivering import job_event

BUTTON: dict[str, object] = {
    "type": "button",
    "action_id": "U2",
    "value": "x",
    "text": {"type": "plain_text", "text": "U2 (2 credits)"},
}


@pytest.fixture
def slack() -> PretendSlack:
    return PretendSlack(SlackOptions())


@pytest.fixture
async def channel(slack: PretendSlack) -> AsyncIterator[DemoChannel]:
    async with serve(slack.app) as url:
        yield DemoChannel(url, slack)


def post(slack: PretendSlack, ts: str, text: str, *elements: dict[str, object], only_for: str | None = None) -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "actions", "elements": elements},
    ]
    slack.workspace.add(SlackMessage(ts=ts, text=text, blocks=blocks, at=0, only_for=only_for))
    slack.page.changed()


async def test_it_waits_for_a_message_that_everybody_sees(slack: PretendSlack, channel: DemoChannel) -> None:
    waiting = asyncio.create_task(channel.asked(label_of_tile(2)))
    told = asyncio.create_task(channel.told("in the archive"))
    post(slack, "1.1", "which tile?", BUTTON, only_for="U1")
    post(slack, "1.2", "nothing to press; it is in the archive")
    post(slack, "1.3", "which tile?", BUTTON)
    async with asyncio.timeout(20):
        assert ((await waiting).id, (await told).id) == ("1.3", "1.2")


async def test_it_waits_until_a_question_says_who_chose(slack: PretendSlack, channel: DemoChannel) -> None:
    post(slack, "1.1", "which tile?", BUTTON)
    question = await channel.asked("U2")
    chosen = asyncio.create_task(channel.chosen(question))
    post(slack, "1.1", "U2, chosen by Ada")
    async with asyncio.timeout(20):
        assert await chosen == "U2, chosen by Ada"


async def test_a_press_that_nobody_took_is_told(slack: PretendSlack, channel: DemoChannel) -> None:
    post(slack, "1.1", "which tile?", BUTTON)
    question = await channel.asked("U2")
    assert (await channel.press(question, "U2")).startswith("Nobody listens")
    assert await channel.press(question, "U9") == "This button is not there any more."


async def test_a_channel_that_is_gone_does_not_answer(slack: PretendSlack) -> None:
    post(slack, "1.1", "which tile?", BUTTON)
    gone = DemoChannel("http://127.0.0.1:1", slack)
    assert await gone.press(await gone.asked("U2"), "U2") == "no answer (ConnectError)"


def test_what_is_said_of_an_archived_picture_names_what_it_is() -> None:
    hd = job_event(action="upscale", params={"kind": "2x"}).data
    assert archived_words(hd) == "upscale 2x of journey is in the archive"
