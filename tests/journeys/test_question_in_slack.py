"""A person picks in Slack: the question with its buttons, the edit that says who chose, further tiles, restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from receiver.composition import Outside
from receiver.config import Config, ServerSettings
from receiver.contracts import Sink
from receiver.flows import commands
from receiver.model.jobs import Job
from receiver.pretend.platforms.channel.messages import PEOPLE
from receiver.pretend.platforms.slack import clicks
from receiver.web.application import application
from support.pretend_slack import SlackSide, bot, press_body, signed, team
from support.questions import asking, grid_body
from support.world import Clock, World, accepting, eventually, world


@asynccontextmanager
async def studio(folder: Path, slack: SlackSide, clock: Clock, *, default: int | None = None) -> AsyncIterator[World]:
    """A gridhook whose sink `team` is the pretend Slack's channel."""
    sinks = {"team": Sink(name="team", handler=bot(), concurrency=1)}
    async with world(folder, rules=(asking(default=default),), sinks=sinks, clock=clock, dispatch=False) as opened:
        opened.setup = msgspec.structs.replace(opened.setup, button_sinks=frozenset({"team"}))
        vendor = accepting()
        opened.answer = lambda request: slack.answer(request) if "slack.test" in request.url.host else vendor(request)
        opened.start()
        yield opened


async def no_context(*_: object) -> None:
    """What these journeys have no use for."""


async def press(running: World, label: str, code: str, user: str, name: str) -> int:
    """Presses a button, as Slack posts it; the status of the answer."""
    return await posted(running, press_body(code, user=user, name=name))


async def posted(running: World, body: bytes) -> int:
    """Posts a form as Slack does, signed now; the status of the answer."""
    config = Config(
        file="gridhook.toml",
        folder=Path(),
        public_url="https://hooks.example.com",
        database="sqlite:///none.db",
        server=ServerSettings(),
        sinks=team(),
    )
    outside: Any = Outside(open_context=no_context, open_transport=no_context, transport=lambda: running.transport)  # type: ignore[arg-type]
    app = application(running.store, running.setup, config, running.clock, outside)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gridhook.test") as client:
        answer = await client.post("/slack/actions", content=body, headers=signed(body, running.clock()))
    return answer.status_code


def a_slack() -> tuple[SlackSide, Clock]:
    """A workspace, and the clock that it and gridhook go by."""
    clock = Clock()
    return SlackSide(clock=clock), clock


def says(slack: SlackSide, words: str) -> bool:
    """Whether the one message shows these words."""
    return len(slack.messages) == 1 and slack.says(words)


def labels(slack: SlackSide) -> list[str]:
    """What stands on the buttons of the one message."""
    return [one["text"]["text"] for one in clicks.buttons_of(slack.asked)]


def the_pick(jobs: list[Job]) -> Job:
    """The first pick there is."""
    return next(job for job in jobs if job.action == "pick")


async def test_a_question_is_asked_answered_and_shown_in_one_message(tmp_path: Path) -> None:
    slack, clock = a_slack()
    async with studio(tmp_path, slack, clock) as running:
        await running.webhook(grid_body())
        await eventually(lambda: says(slack, "Which tile"), running)
        assert labels(slack)[:4] == [f"U{index} (2 credits)" for index in (1, 2, 3, 4)]
        assert {"V1", "V2", "V3", "V4", "reroll"} < slack.buttons().keys()
        assert any(block.get("image_url") == "https://cdn.example.com/grid.png" for block in slack.asked.blocks)
        codes = slack.buttons()
        assert await press(running, "U2", codes["U2"], "U0ADA", "Ada") == 200
        await eventually(lambda: says(slack, "U2, chosen by Ada"), running)
        assert await press(running, "U3", codes["U3"], "U0BEA", "Bea") == 409
        further = slack.buttons()
        assert "U2" not in further
        assert await press(running, "U3", further["U3"], "U0BEA", "Bea") == 200
        await eventually(lambda: "U3" not in slack.buttons(), running)
        await running.until(lambda jobs: sum(job.status == "queued" for job in jobs) == 2)
        assert [order["index"] for order in running.orders] == ["2", "3"]
    assert slack.mistakes == []


async def test_an_answer_through_the_api_edits_the_message_too(tmp_path: Path) -> None:
    slack, clock = a_slack()
    async with studio(tmp_path, slack, clock) as running:
        await running.webhook(grid_body())
        await eventually(lambda: says(slack, "Which tile"), running)
        grid = (await running.jobs())[0]
        await running.store.write(lambda tx: commands.pick(tx, running.setup, grid.id, 4, "api", clock()))
        await eventually(lambda: says(slack, "U4, chosen by api"), running)
    assert slack.mistakes == []


async def test_a_question_survives_restarts_and_days_and_its_default_is_carried_out(tmp_path: Path) -> None:
    slack, clock = a_slack()
    async with studio(tmp_path, slack, clock, default=1) as running:
        await running.webhook(grid_body())
        await eventually(lambda: says(slack, "without an answer it is U1"), running)
    for _ in range(3):
        async with studio(tmp_path, slack, clock, default=1) as running:
            assert the_pick(await running.jobs()).status == "held"
    clock.pass_by(5 * 86_400)
    async with studio(tmp_path, slack, clock, default=1) as running:
        await running.until(lambda jobs: the_pick(jobs).status == "queued")
        await eventually(lambda: says(slack, "U1, chosen by default"), running)
        assert the_pick(await running.jobs()).decided_by == "default"
        assert [order["index"] for order in running.orders] == ["1"]
    assert slack.mistakes == []


async def test_a_question_that_lapses_or_is_canceled_loses_its_buttons(tmp_path: Path) -> None:
    slack, clock = a_slack()
    async with studio(tmp_path, slack, clock) as running:
        await running.webhook(grid_body())
        await eventually(lambda: says(slack, "Which tile"), running)
        codes = slack.buttons()
        await running.tick(3601)
        await eventually(lambda: says(slack, "No tile was chosen"), running)
        assert slack.buttons() == {}
        assert await press(running, "U2", codes["U2"], "U0ADA", "Ada") == 409
        assert running.orders == []
    assert slack.mistakes == []


async def test_foreign_text_in_a_question_is_shown_as_text(tmp_path: Path) -> None:
    slack, clock = a_slack()
    hostile: dict[str, Any] = {**grid_body(), "prompt": "<!channel> & *bold*"}
    async with studio(tmp_path, slack, clock) as running:
        await running.webhook(hostile)
        await eventually(lambda: says(slack, "Which tile"), running)
        codes = slack.buttons()
        await press(running, "U2", codes["U2"], "U0ADA", "<!here>")
        await eventually(lambda: says(slack, "chosen by &lt;!here&gt;"), running)
    assert "<!" not in str(slack.asked.blocks)
    assert slack.mistakes == []


async def test_two_people_who_press_at_once_order_one_tile_and_the_other_is_told_who_chose(tmp_path: Path) -> None:
    slack, clock = a_slack()
    async with studio(tmp_path, slack, clock) as running:
        await running.webhook(grid_body())
        await eventually(lambda: says(slack, "Which tile"), running)
        question, people = slack.asked, PEOPLE
        payloads = [
            slack.pretend.clicks.payload(question, element, person, "https://slack.test")
            for element, person in zip(clicks.buttons_of(question)[1:3], people, strict=True)
        ]
        answers = await asyncio.gather(
            *(posted(running, urlencode({"payload": json.dumps(payload)}).encode()) for payload in payloads)
        )
        assert sorted(answers) == [200, 409]
        winner, loser = (people[0], people[1]) if answers[0] == 200 else (people[1], people[0])
        await eventually(lambda: len(slack.whispers) == 1, running)
        (told,) = slack.whispers
        assert told.only_for == loser.id
        assert told.text == f"Tile {2 if answers[0] == 200 else 3} was picked already, by {winner.name}"
        await running.until(lambda jobs: the_pick(jobs).status == "queued")
        assert len(running.orders) == 1
    assert slack.mistakes == []


async def test_a_press_on_a_message_from_long_ago_still_counts(tmp_path: Path) -> None:
    slack, clock = a_slack()
    async with studio(tmp_path, slack, clock) as running:
        await running.webhook(grid_body())
        await eventually(lambda: says(slack, "Which tile"), running)
        old = slack.buttons()
        assert await press(running, "U2", old["U2"], "U0ADA", "Ada") == 200
        await running.until(lambda jobs: the_pick(jobs).status == "queued")
        clock.pass_by(90 * 86_400)
        assert await press(running, "V3", old["V3"], "U0BEA", "Bea") == 200
        assert await press(running, "U2", old["U2"], "U0BEA", "Bea") == 200
        await running.until(lambda jobs: any(job.action == "vary" and job.status == "queued" for job in jobs))
        assert len([order for order in running.orders if "webhook_url" in order]) == 2
    assert slack.mistakes == []
