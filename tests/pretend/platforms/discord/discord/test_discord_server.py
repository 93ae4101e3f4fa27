"""The pretend Discord is as strict as the real one."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.pretend.platforms.channel.messages import ChannelPerson
from receiver.pretend.platforms.discord.interactions import FAILED
from receiver.pretend.platforms.discord.messages import plain
from receiver.pretend.platforms.discord.server import PEOPLE, WEBHOOK, DiscordOptions, PretendDiscord
from support.platforms import Seconds, a_picture
from support.world import Clock

MESSAGES: Final = f"/api/v10/channels/{DiscordOptions().channel}/messages"
HOOK: Final = f"/api/webhooks/{WEBHOOK[0]}/{WEBHOOK[1]}"
AGENT: Final = {"user-agent": "DiscordBot (test, 1)", "authorization": f"Bot {DiscordOptions().token}"}
ADA: Final = PEOPLE[0]


class Client:
    """Calls a pretend Discord; `answers` are what the app behind its endpoint says."""

    def __init__(self, **options: Any) -> None:
        self.clock, self.seconds = Clock(), Seconds()
        self.answers: list[Response] = []
        app = Starlette(routes=[Route("/discord/interactions", self._interact, methods=["POST"])])
        self.discord = PretendDiscord(
            DiscordOptions(endpoint="http://app.test/discord/interactions", burst=50, **options),
            clock=self.clock,
            seconds=self.seconds,
            client=httpx.AsyncClient(transport=httpx.ASGITransport(app)),
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.discord.app), base_url="http://discord.test")

    async def _interact(self, _request: Request) -> Response:
        return self.answers.pop(0)

    async def post(self, fields: dict[str, Any], url: str = MESSAGES, **how: Any) -> httpx.Response:
        """A message that names nobody."""
        body = {"allowed_mentions": {"parse": []}, **fields}
        return await self.http.post(url, json=body, **{"headers": AGENT, **how})


def row(*ids: str, label: str = "U1", style: int = 1) -> dict[str, Any]:
    return {"type": 1, "components": [{"type": 2, "style": style, "label": label, "custom_id": one} for one in ids]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"content": "x", "nonce": "n" * 26}, "nonce"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds"),
        ({"embeds": [{"description": "x" * 3001}, {"description": "x" * 3001}]}, "embeds"),
        ({"embeds": [{"image": {"url": "attachment://none.png"}}]}, "embeds"),
        ({"embeds": [{"image": {"url": "javascript:alert(1)"}}]}, "embeds"),
        ({"content": "x", "components": [row(*map(str, range(6)))]}, "components"),
        ({"content": "x", "components": [row(str(one)) for one in range(6)]}, "components"),
        ({"content": "x", "components": [row("a", "a")]}, "components"),
        ({"content": "x", "components": [row("a" * 101)]}, "components"),
        ({"content": "x", "components": [row("a", label="x" * 81)]}, "components"),
        ({"content": "x", "components": [row("a", style=9)]}, "components"),
    ],
)
async def test_what_breaks_a_limit_is_an_invalid_form(fields: dict[str, Any], field: str) -> None:
    client = Client()
    answer = await client.post(fields)
    assert (answer.status_code, answer.json()["code"]) == (400, 50035)
    assert field in answer.json()["errors"]
    assert client.discord.mistakes


async def test_who_does_not_say_who_it_is_is_turned_away() -> None:
    client = Client()
    stranger = await client.post({"content": "x"}, headers={**AGENT, "user-agent": "python"})
    assert (stranger.status_code, stranger.headers["content-type"].partition(";")[0]) == (403, "text/html")
    forged = await client.post({"content": "x"}, headers={**AGENT, "authorization": "Bot x"})
    assert forged.json() == {"message": "401: Unauthorized", "code": 0}
    assert (await client.post({})).json()["code"] == 50006
    assert (await client.post({"content": "x"}, url="/api/v10/channels/1/messages")).json()["code"] == 10003
    assert (await client.post({"content": "x"}, url="/api/webhooks/1/x")).json()["code"] == 10015


async def test_a_message_that_could_name_somebody_is_a_mistake() -> None:
    client = Client()
    await client.http.post(MESSAGES, json={"content": "@everyone"}, headers=AGENT)
    assert client.discord.mistakes == ["a message that could name somebody"]


async def test_a_nonce_makes_a_repeat_the_same_message() -> None:
    client = Client()
    ids = {(await client.post({"content": "x", "nonce": "n", "enforce_nonce": True})).json()["id"] for _ in range(3)}
    assert len(ids) == 1


async def test_a_webhook_without_wait_says_nothing_and_has_no_buttons() -> None:
    client = Client()
    assert (await client.post({"content": "x"}, url=HOOK)).status_code == 204
    said = (await client.post({"content": "x", "components": [row("a")]}, url=f"{HOOK}?wait=true")).json()
    assert said["components"] == []
    wrong = await client.http.patch(f"{MESSAGES}/{said['id']}", json={"content": "y"}, headers=AGENT)
    assert wrong.json()["code"] == 50005


async def test_an_edit_takes_off_the_files_that_it_does_not_list() -> None:
    client = Client()
    payload = {"payload_json": json.dumps({"content": "x", "allowed_mentions": {"parse": []}})}
    sent = await client.http.post(MESSAGES, data=payload, files={"files[0]": ("a.png", a_picture())}, headers=AGENT)
    message, file = sent.json()["id"], sent.json()["attachments"][0]["id"]
    url = f"{MESSAGES}/{message}"
    kept = await client.http.patch(url, json={"attachments": [{"id": file}]}, headers=AGENT)
    assert [one["id"] for one in kept.json()["attachments"]] == [file]
    gone = await client.http.patch(url, json={"content": "x", "attachments": []}, headers=AGENT)
    assert gone.json()["attachments"] == []


async def test_too_many_calls_are_told_to_wait_and_calling_again_is_a_mistake() -> None:
    client = Client()
    answers = [await client.post({"content": "x"}) for _ in range(51)]
    assert [answer.status_code for answer in answers] == [200] * 50 + [429]
    assert answers[49].headers["x-ratelimit-remaining"] == "0"
    assert answers[50].json()["retry_after"] > 0
    await client.post({"content": "x"})
    assert "again before retry_after" in client.discord.mistakes[0]


# --- interactions ----------------------------------------------------------------------------------------------------


async def pressed(client: Client, answer: Response, person: ChannelPerson = ADA) -> str:
    """What is told of a press that the app answers so."""
    client.answers = [answer]
    message = (await client.post({"content": "x", "components": [row("code")]})).json()["id"]
    return await client.discord.press(message, "code", person)


async def test_a_press_is_answered_in_one_of_the_documented_ways() -> None:
    client = Client()
    assert await pressed(client, JSONResponse({"type": 6})) == ""
    assert await pressed(client, JSONResponse({"type": 4, "data": {"content": "too late"}})) == "too late"
    assert await pressed(client, Response("ok")) == FAILED
    assert await pressed(client, JSONResponse({"type": 6}, 401)) == FAILED
    assert "not there any more" in await client.discord.press("1", "code", ADA)


async def test_a_follow_up_is_seen_by_who_pressed_for_fifteen_minutes() -> None:
    client = Client()
    await pressed(client, JSONResponse({"type": 6}))
    (token,) = client.discord.interactions.open
    url = f"/api/v10/webhooks/2222/{token}"
    assert (await client.post({"content": "too late", "flags": 64}, url=url)).status_code == 200
    assert [entry.only_for for entry in client.discord.messages.values()] == [None, ADA.id]
    client.clock.pass_by(901)
    assert (await client.post({"content": "x", "flags": 64}, url=url)).json()["code"] == 10015


async def test_an_endpoint_that_takes_anything_is_not_taken() -> None:
    client = Client()
    client.answers = [JSONResponse({"type": 1}) for _ in range(3)]
    wrong = await client.discord.interactions.probe("http://app.test/discord/interactions")
    assert wrong == ["it took a forged ping", "it took a moved ping"]
    client.answers = [Response(status_code=401) for _ in range(3)]
    wrong = await client.discord.interactions.probe("http://app.test/discord/interactions")
    assert wrong == ["it answered a ping without a pong"]


def test_markdown_is_shown_as_people_read_it() -> None:
    assert plain(r"-# a \*b\_c\* [picture](https://a.example/1.png)") == "a *b_c* picture (https://a.example/1.png)"
