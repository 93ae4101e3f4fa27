"""One thread a family: the first message begins it, later ones stand in it, and each job keeps its own message."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from handlers.http.transport import HttpTransport
from handlers.slack.bot import ShownMessage
from receiver.errors import TransportError
from receiver.model.deliveries import Delivered, OutgoingEvent
from receiver.model.jobs import Job
from receiver.pretend.loopback import serve
from receiver.pretend.platforms.slack.server import PretendSlack
from support.delivering import Bound, outgoing
from support.pretend_slack import CHANNEL, OPTIONS, SlackSide, bot

NOW = 1_800_000_000_000


def told(job: str, number: int, **more: Any) -> OutgoingEvent:
    """Event `number`, about a job of one family."""
    plain = outgoing()
    event = plain.event
    assert isinstance(event.data, Job)
    data = msgspec.structs.replace(event.data, id=job, root_id="job_01", grid_url=None, images=())
    changed = msgspec.structs.replace(event, id=f"evt_{number:02d}", data=data)
    return msgspec.structs.replace(plain, event=changed, **more)


def a_bot(slack: SlackSide, **changes: Any) -> Bound:
    return Bound(bot(**changes), HttpTransport(httpx.MockTransport(slack.answer)), NOW)


async def receipt(slack: SlackSide, sent: OutgoingEvent) -> ShownMessage:
    """What is remembered of a delivery that arrived."""
    outcome = await a_bot(slack).deliver(sent)
    assert isinstance(outcome, Delivered)
    return msgspec.json.decode(outcome.receipt or "", type=ShownMessage)


def kept(shown: ShownMessage) -> str:
    return msgspec.json.encode(shown).decode()


async def test_the_second_job_of_a_family_stands_in_the_thread_of_the_first() -> None:
    slack = SlackSide()
    first = await receipt(slack, told("job_01", 1))
    second = await receipt(slack, told("job_02", 2, family_receipt=kept(first)))
    third = await receipt(slack, told("job_03", 3, family_receipt=kept(second)))
    assert [one.thread_ts for one in slack.messages] == [None, first.ts, first.ts]
    assert (second.thread, third.thread) == (first.ts, first.ts)
    assert slack.mistakes == []


async def test_a_job_in_a_thread_goes_on_in_its_own_message() -> None:
    slack = SlackSide()
    first = await receipt(slack, told("job_01", 1))
    second = await receipt(slack, told("job_02", 2, family_receipt=kept(first)))
    again = await receipt(slack, told("job_02", 3, receipt=kept(second), family_receipt=kept(first)))
    assert (again.ts, again.thread) == (second.ts, first.ts)
    assert len(slack.messages) == 2


async def test_a_message_that_was_taken_away_comes_again_in_its_thread() -> None:
    slack = SlackSide()
    first = await receipt(slack, told("job_01", 1))
    second = await receipt(slack, told("job_02", 2, family_receipt=kept(first)))
    del slack.pretend.workspace.messages[second.ts]
    again = await receipt(slack, told("job_02", 3, receipt=kept(second), family_receipt=kept(first)))
    assert again.thread == first.ts != again.ts


@pytest.mark.parametrize("word", ["cannot_reply_to_message", "thread_not_found"])
async def test_where_there_is_no_thread_any_more_a_message_stands_by_itself(word: str) -> None:
    calls: list[dict[str, Any]] = []

    def side(request: httpx.Request) -> httpx.Response:
        calls.append(msgspec.json.decode(request.content))
        refused = {"ok": False, "error": word}
        taken = {"ok": True, "ts": "9.000001", "channel": CHANNEL}
        return httpx.Response(200, json=refused if "thread_ts" in calls[-1] else taken)

    handler = Bound(bot(), HttpTransport(httpx.MockTransport(side)), NOW)
    first = ShownMessage(ts="1.000001", channel=CHANNEL, event="evt_01")
    outcome = await handler.deliver(told("job_02", 2, family_receipt=kept(first)))
    assert isinstance(outcome, Delivered)
    assert msgspec.json.decode(outcome.receipt or "", type=ShownMessage).thread is None
    assert len(calls) == 2


async def test_what_was_remembered_before_there_were_threads_begins_one() -> None:
    slack = SlackSide()
    first = await receipt(slack, told("job_01", 1))
    old = msgspec.json.encode({"ts": first.ts, "channel": first.channel, "event": first.event}).decode()
    assert (await receipt(slack, told("job_02", 2, family_receipt=old))).thread == first.ts


async def test_prompt_and_family_are_told_of_a_job_that_came_of_others() -> None:
    slack = SlackSide()
    root = Job(
        id="job_01",
        source="j",
        provider="p",
        action="imagine",
        status="completed",
        root_id="job_01",
        prompt="a <garden>",
        created_at="2026",
    )
    pick = msgspec.structs.replace(root, id="job_02", action="pick", params={"index": 2}, prompt=None)
    sent = told("job_03", 1, ancestors=(pick, root))
    assert isinstance(sent.event.data, Job)
    bare = msgspec.structs.replace(sent.event.data, prompt=None, action="upscale", params={"kind": "2x"})
    await receipt(slack, msgspec.structs.replace(sent, event=msgspec.structs.replace(sent.event, data=bare)))
    assert slack.says("Prompt: a &lt;garden&gt;")
    assert slack.says("From: imagine → pick 2 → upscale 2x")


async def test_a_message_whose_answer_was_lost_comes_twice_rather_than_never() -> None:
    slack = PretendSlack(OPTIONS)
    async with serve(slack.app) as root:
        transport = HttpTransport()
        handler = Bound(bot(api_url=f"{root}/api"), transport, NOW)
        slack.faults.append("lost")
        with pytest.raises(TransportError):
            await handler.deliver(told("job_01", 1))
        assert isinstance(await handler.deliver(told("job_01", 1)), Delivered)
        await transport.aclose()
    assert len(slack.workspace.messages) == 2
