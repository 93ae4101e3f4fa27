"""The pretend Slack over HTTP: its answers are Slack's own, and so are its refusals."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from receiver.pretend import pictures
from receiver.pretend.platforms.channel.messages import ChannelPerson
from receiver.pretend.platforms.slack.clicks import RESPONSE_LIFE_MS
from receiver.pretend.platforms.slack.server import HOOK, PretendSlack
from receiver.pretend.platforms.slack.workspace import SlackOptions
from support.pretend_slack import TOKEN, any_picture
from support.world import Clock

ROOT = "https://slack.test"
ADA = ChannelPerson(id="U0000ADA", name="Ada")
BUTTON = {"type": "button", "action_id": "U1", "text": {"type": "plain_text", "text": "U1"}, "value": "code"}
ROW = {"type": "actions", "elements": [BUTTON]}


class Desk:
    """A client of a pretend Slack whose clocks a test moves."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.seconds = 0.0
        self.slack = PretendSlack(
            SlackOptions(**options), clock=self.clock, seconds=lambda: self.seconds, fetch=any_picture
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.slack.app), base_url=ROOT)

    async def call(self, method: str, fields: dict[str, Any], token: str = TOKEN, **how: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await self.client.post(f"/api/{method}", headers=headers, **(how or {"json": fields}))

    async def said(self, method: str, **fields: Any) -> dict[str, Any]:
        answer = await self.call(method, {"channel": "C0PRETEND1", **fields})
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told


async def test_a_message_is_posted_threaded_and_edited() -> None:
    desk = Desk()
    first = await desk.said("chat.postMessage", text="one")
    second = await desk.said("chat.postMessage", text="two", thread_ts=first["ts"])
    assert (await desk.said("chat.update", ts=second["ts"], text="two!"))["ok"]
    kept = list(desk.slack.workspace.messages.values())
    assert [(one.text, one.thread_ts, one.is_edited) for one in kept] == [
        ("one", None, False),
        ("two!", first["ts"], True),
    ]
    assert desk.slack.workspace.mistakes == []


async def test_a_thread_that_begins_with_an_answer_is_a_mistake() -> None:
    desk = Desk()
    first = await desk.said("chat.postMessage", text="one")
    second = await desk.said("chat.postMessage", text="two", thread_ts=first["ts"])
    await desk.said("chat.postMessage", text="three", thread_ts=second["ts"])
    assert len(desk.slack.workspace.mistakes) == 1


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "no_text"),
        ({"text": "x", "colour": "red"}, "invalid_arg_name"),
        ({"text": "x", "channel": "C9"}, "channel_not_found"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "msg_blocks_too_long"),
        (
            {"text": "x", "blocks": [{"type": "image", "image_url": "https://a/missing.png", "alt_text": "x"}]},
            "invalid_blocks",
        ),
        (
            {"text": "x", "blocks": [{"type": "image", "slack_file": {"id": "F012345678"}, "alt_text": "x"}]},
            "invalid_blocks",
        ),
    ],
)
async def test_what_slack_refuses_is_refused_in_its_word(fields: dict[str, Any], word: str) -> None:
    assert (await Desk().said("chat.postMessage", **fields))["error"] == word


async def test_only_an_edit_is_bound_to_4_000_characters() -> None:
    desk = Desk()
    ts = (await desk.said("chat.postMessage", text="x" * 5000))["ts"]
    assert (await desk.said("chat.update", ts=ts, text="x" * 4001))["error"] == "msg_too_long"
    assert (await desk.said("chat.update", ts="1.000009", text="x"))["error"] == "message_not_found"


async def test_tokens_are_checked_as_slack_does() -> None:
    desk = Desk()
    words = [
        (await desk.call("chat.postMessage", {"channel": "C0PRETEND1", "text": "x"}, token)).json()["error"]
        for token in ("", "xoxb-other", "xapp-pretend")
    ]
    assert words == ["not_authed", "invalid_auth", "not_allowed_token_type"]
    assert (await desk.call("apps.connections.open", {}, "xapp-pretend", data={})).json()["ok"]
    assert (await desk.call("apps.connections.open", {}, data={})).json()["error"] == "not_allowed_token_type"
    await desk.call("chat.postMessage?token=xoxb-pretend", {"text": "x"})
    assert "a token stands in an address" in desk.slack.workspace.mistakes


async def test_more_than_a_message_a_second_is_told_to_wait_and_must() -> None:
    desk = Desk(burst=2)
    answers = [await desk.call("chat.postMessage", {"channel": "C0PRETEND1", "text": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    desk.seconds += 1
    assert (await desk.said("chat.postMessage", text="x"))["ok"]
    assert desk.slack.workspace.mistakes == []
    for _ in range(2):
        await desk.call("chat.postMessage", {"channel": "C0PRETEND1", "text": "x"})
    assert desk.slack.workspace.mistakes == ["it called again before Retry-After was over"]


async def test_a_file_is_uploaded_in_three_steps_and_shown_once_it_is_ready() -> None:
    desk = Desk(polls=1)
    body = pictures.single("a", "", 32)
    begun = (await desk.call("files.getUploadURLExternal", {"filename": "a.png", "length": len(body)})).json()
    files = {"files": [{"id": begun["file_id"]}]}
    assert (await desk.call("files.completeUploadExternal", files)).json()["error"] == "file_not_found"
    assert (await desk.client.post(begun["upload_url"], content=body[:-1])).status_code == 400
    assert (await desk.client.post(begun["upload_url"], content=body)).status_code == 200
    assert (await desk.call("files.completeUploadExternal", files)).json()["ok"]
    assert (await desk.call("files.completeUploadExternal", files)).json()["error"] == "file_not_found"
    block = {"type": "image", "slack_file": {"id": begun["file_id"]}, "alt_text": "x"}
    assert (await desk.said("chat.postMessage", text="x", blocks=[block]))["error"] == "invalid_blocks"
    asked = [
        (await desk.call("files.info", {}, data={"file": begun["file_id"]})).json()["file"]["mimetype"]
        for _ in range(2)
    ]
    assert asked == ["", "image/png"]
    assert (await desk.said("chat.postMessage", text="x", blocks=[block]))["ok"]
    assert (await desk.call("files.info", {"file": begun["file_id"]})).json()["error"] == "invalid_post_type"


async def test_an_incoming_webhook_answers_in_single_words() -> None:
    desk = Desk()
    answers = [
        await desk.client.post(HOOK, json={"text": "x"}),
        await desk.client.post(HOOK, content=b"{"),
        await desk.client.post(HOOK, json={"text": "x", "ts": "1"}),
        await desk.client.post(HOOK, json={}),
        await desk.client.post("/services/other", json={"text": "x"}),
    ]
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (200, "ok"),
        (400, "invalid_payload"),
        (400, "invalid_payload"),
        (400, "no_text"),
        (404, "no_service"),
    ]


async def test_a_click_can_be_answered_for_half_an_hour_and_five_times() -> None:
    desk = Desk()
    ts = (await desk.said("chat.postMessage", text="x", blocks=[ROW]))["ts"]
    message = desk.slack.workspace.messages[ts]
    urls = [desk.slack.clicks.payload(message, BUTTON, ADA, ROOT)["response_url"] for _ in range(2)]
    answers = [(await desk.client.post(urls[0], json={"text": "only you"})).status_code for _ in range(6)]
    assert answers == [200] * 5 + [404]
    assert [one.only_for for one in desk.slack.workspace.messages.values()][1:] == ["U0000ADA"] * 5
    desk.clock.now += RESPONSE_LIFE_MS + 1
    assert (await desk.client.post(urls[1], json={"text": "late"})).json()["error"] == "expired_url"


async def test_a_click_that_nobody_hears_is_told() -> None:
    desk = Desk()
    ts = (await desk.said("chat.postMessage", text="x", blocks=[ROW]))["ts"]
    assert "Nobody listens" in await desk.slack.clicks.click(ts, "U1", ADA, ROOT)
    assert "not there" in await desk.slack.clicks.click(ts, "U9", ADA, ROOT)


async def test_calls_meet_what_they_are_told_to_meet() -> None:
    desk = Desk()
    desk.slack.faults.extend(["429", "500"])
    answers = [await desk.call("chat.postMessage", {"channel": "C0PRETEND1", "text": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 500, 200]


async def test_the_channel_shows_what_was_said_with_pictures_and_buttons() -> None:
    desk = Desk()
    text = {"type": "mrkdwn", "text": "&lt;b&gt; <https://a/b|link>"}
    image = {"type": "image", "image_url": "https://a/b.png", "alt_text": "x"}
    await desk.said("chat.postMessage", text="x", blocks=[{"type": "section", "text": text}, image, ROW])
    page = (await desk.client.get("/")).text
    assert "&lt;b&gt; link (https://a/b)" in page
    picture = page.partition('img src="')[2].partition('"')[0]
    assert (await desk.client.get(picture)).headers["content-type"] == "image/png"
    assert 'name="button" value="U1"' in page
