"""Discord: messages with pictures, edits, and what its refusals lead to, at a strict pretend Discord."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from handlers.discord import Discord
from handlers.discord.channel import webhook_place
from handlers.discord.message import MAX_CONTENT, discord_message
from handlers.http.transport import HttpTransport
from receiver.app import read_config
from receiver.contracts import Press, press_path
from receiver.errors import ConfigError, NoAnswer, OptionError, TransportError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered, QuestionButton
from receiver.pretend.loopback import serve
from receiver.pretend.platforms.discord.messages import MAX_DESCRIPTION, ChannelEntry, plain
from receiver.pretend.platforms.discord.server import DiscordOptions, PretendDiscord
from support.chat_events import a_question, asking, later, other_picture
from support.delivering import Bound, job_event, outgoing, strange_event
from support.platforms import NOW, WEBHOOK_URL, Room, Seconds, a_picture, bot, webhook


class Channel(Room):
    """The sink in its channel: a bot's unless told otherwise."""

    def __init__(self, handler: Discord | None = None, **options: Any) -> None:
        self.seconds = Seconds()
        self.discord = PretendDiscord(DiscordOptions(**options), seconds=self.seconds)
        super().__init__(handler or bot(), self.discord)

    @property
    def only(self) -> ChannelEntry:
        """The one message there is."""
        (entry,) = self.discord.messages.values()
        return entry

    @property
    def methods(self) -> list[str]:
        return [call.method for call in self.hosts.calls]

    @property
    def description(self) -> str:
        return str(self.only.embeds[0]["description"])


@pytest.mark.parametrize("handler", [bot(), webhook()], ids=["bot", "webhook"])
async def test_a_picture_is_uploaded_with_what_it_is_about(handler: Discord) -> None:
    channel = Channel(handler)
    assert isinstance(await channel.bound.deliver(outgoing()), Delivered)
    assert channel.only.content == "✅ pick of journey completed"
    assert channel.only.embeds[0]["image"] == {"url": "attachment://picture.png"}
    assert channel.discord.pictures[channel.only.files[0].id].type == "image/png"
    assert "[picture](https://cdn.example.com/1.png)" in channel.description
    assert channel.discord.mistakes == []


@pytest.mark.parametrize("handler", [bot(), webhook()], ids=["bot", "webhook"])
async def test_later_events_edit_the_message_and_keep_its_picture(handler: Discord) -> None:
    channel = Channel(handler)
    first = await channel.bound.deliver(outgoing())
    file = channel.only.files
    second = await channel.bound.deliver(later(first, prompt="another"))
    assert channel.only.files == file
    assert channel.only.embeds[0]["image"] == {"url": "attachment://picture.png"}
    third = await channel.bound.deliver(later(second, 3, "evt_03", **other_picture("2")))
    assert channel.only.files != file
    assert channel.methods == ["POST", "PATCH", "PATCH"]
    assert len(channel.hosts.fetched) == 2
    old = await channel.bound.deliver(later(third, 4, "evt_00"))
    assert isinstance(old, Delivered)
    assert old.note == "superseded"
    assert channel.discord.mistakes == []


async def test_a_picture_that_cannot_be_had_is_shown_by_its_address() -> None:
    channel = Channel()
    channel.hosts.picture = lambda _: httpx.Response(404)
    assert isinstance(await channel.bound.deliver(outgoing()), Delivered)
    assert channel.only.embeds[0]["image"] == {"url": "https://cdn.example.com/1.png"}


async def test_a_picture_that_is_too_large_is_made_smaller() -> None:
    channel = Channel()
    channel.hosts.picture = a_picture((2500, 1500), compress_level=0)
    await channel.bound.deliver(outgoing())
    assert channel.discord.pictures[channel.only.files[0].id].type == "image/jpeg"


async def test_a_lost_answer_does_not_double_a_bots_message() -> None:
    channel = Channel()
    sent = outgoing()
    await channel.bound.deliver(sent)
    await channel.bound.deliver(msgspec.structs.replace(sent, attempt=2))
    assert channel.methods == ["POST", "POST"]
    assert len(channel.discord.messages) == 1


async def test_a_message_that_is_gone_is_posted_anew() -> None:
    channel = Channel()
    first = await channel.bound.deliver(outgoing())
    channel.discord.messages.clear()
    assert isinstance(await channel.bound.deliver(later(first, prompt="x")), Delivered)
    assert channel.methods == ["POST", "PATCH", "POST"]
    assert len(channel.only.files) == 1


async def test_a_question_has_its_buttons_and_loses_them() -> None:
    channel = Channel()
    first = await channel.bound.deliver(asking())
    assert [[one["label"] for one in row["components"]] for row in channel.only.components] == [
        [f"U{index} (2 credits)" for index in (1, 2, 3, 4)],
        ["V1", "V2", "V3", "V4", "reroll"],
    ]
    over = msgspec.structs.replace(a_question(status="canceled", hold=None), tiles=(), others=())
    await channel.bound.deliver(msgspec.structs.replace(later(first), question=over))
    assert channel.only.components == []
    assert "No tile was chosen" in channel.only.content
    assert channel.discord.mistakes == []


async def test_more_buttons_than_discord_takes_are_left_out() -> None:
    channel = Channel()
    buttons = tuple(QuestionButton(label=f"zoom {number}", code=f"z{number}") for number in range(30))
    await channel.bound.deliver(msgspec.structs.replace(outgoing(), buttons=buttons))
    assert [len(row["components"]) for row in channel.only.components] == [5, 5, 5, 5, 5]


async def test_messages_of_a_family_answer_its_first() -> None:
    channel = Channel()
    first = await channel.bound.deliver(outgoing())
    assert isinstance(first, Delivered)
    second = msgspec.structs.replace(
        outgoing(job_event(id="job_02")), family_receipt=first.receipt, delivery_id="dlv_02"
    )
    await channel.bound.deliver(second)
    before, after = channel.discord.messages.values()
    assert (before.answers, after.answers) == (None, before.id)


async def test_whatever_a_vendor_says_fits_is_text_and_names_nobody() -> None:
    channel = Channel()
    assert isinstance(await channel.bound.deliver(outgoing(strange_event())), Delivered)
    prompt = "@everyone **bold** <@80351110224678912> [a](https://evil.example) :smile: # big - > `x` ||y||"
    await channel.bound.deliver(msgspec.structs.replace(outgoing(prompt=prompt, images=()), delivery_id="dlv_02"))
    shown = list(channel.discord.messages.values())[-1]
    text = str(shown.embeds[0]["description"])
    assert prompt in plain(text)
    assert "@everyone" not in text.replace(r"\@everyone", "")
    assert r"\[a\]\(https\://evil.example\)" in text
    message = discord_message(outgoing(strange_event()))
    assert len(message.content) <= MAX_CONTENT
    assert len(message.description) <= MAX_DESCRIPTION
    assert channel.discord.mistakes == []


# --- refusals and waits ----------------------------------------------------------------------------------------------


async def test_an_empty_bucket_is_waited_for_before_it_is_told() -> None:
    channel = Channel(burst=1)
    await channel.bound.deliver(outgoing(images=()))
    told = await channel.bound.deliver(later(Delivered(), images=()))
    # The pretended clock stands still: our wait of half a second was not enough, so it says how long.
    assert isinstance(told, Again)
    assert told.status == 429
    assert told.after == 2
    channel.seconds.now += 2
    assert isinstance(await channel.bound.deliver(later(Delivered(), images=())), Delivered)
    assert channel.discord.mistakes == []


async def test_a_webhook_that_is_no_more_is_called_once() -> None:
    channel = Channel(webhook())
    channel.discord.is_webhook_gone = True
    first = await channel.bound.deliver(outgoing(images=()))
    second = await channel.bound.deliver(outgoing(images=()))
    assert isinstance(first, Dead)
    assert "make a new webhook" in first.note
    assert second == first
    assert channel.methods == ["POST"]
    assert channel.discord.mistakes == []


@pytest.mark.parametrize(
    ("status", "body", "outcome", "words"),
    [
        (429, {"message": "x", "retry_after": 64.57, "global": True}, Again, "429"),
        (400, {"code": 20028, "message": "The write action is limited."}, Again, "limited"),
        (403, {"code": 50001, "message": "Missing Access"}, Dead, "let the bot into the channel"),
        (404, {"code": 10003, "message": "Unknown Channel"}, Dead, "check the channel's id"),
        (401, {"code": 0, "message": "401: Unauthorized"}, Dead, "reset the bot's token"),
        (502, {}, Again, "502"),
        (200, {"ok": True}, Again, "not one of Discord's"),
    ],
)
async def test_refusals_say_what_helps(status: int, body: dict[str, Any], outcome: type[Any], words: str) -> None:
    channel = Channel()
    answering = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    channel.hosts._apps = {"discord": answering}  # type: ignore[dict-item]
    found = await channel.bound.deliver(outgoing(images=()))
    assert isinstance(found, outcome)
    assert words in (found.note or "")
    if status == 429:
        assert isinstance(found, Again)
        assert found.after == 64.57


async def test_an_answer_that_is_not_discords_means_minutes() -> None:
    channel = Channel()
    answering = httpx.MockTransport(lambda _: httpx.Response(429, text="<html>error code: 1015</html>"))
    channel.hosts._apps = {"discord": answering}  # type: ignore[dict-item]
    found = await channel.bound.deliver(outgoing(images=()))
    assert isinstance(found, Again)
    assert found.after == 300


async def test_what_discord_will_not_have_as_an_embed_goes_as_text() -> None:
    channel = Channel()
    said: list[dict[str, Any]] = []

    def side(request: httpx.Request) -> httpx.Response:
        fields = json.loads(request.content)
        said.append(fields)
        if fields["embeds"]:
            return httpx.Response(400, json={"code": 50035, "message": "Invalid Form Body", "errors": {}})
        return httpx.Response(200, json={"id": "1", "channel_id": "2"})

    channel.hosts._apps = {"discord": httpx.MockTransport(side)}  # type: ignore[dict-item]
    found = await channel.bound.deliver(outgoing(images=()))
    assert isinstance(found, Delivered)
    assert "refused the embed" in (found.note or "")
    assert "Prompt: a garden" in said[1]["content"]


async def test_a_word_to_who_pressed_is_for_them_alone() -> None:
    channel = Channel()
    handler = bot()
    pressed = Press(button="x", by="y", reply_to="2222/unknown")
    with pytest.raises(TransportError):
        await handler.reply_to_press(pressed, "too late", channel.bound.context.transport)
    await handler.reply_to_press(pressed, "", channel.bound.context.transport)
    assert len(channel.hosts.calls) == 1


# --- options ---------------------------------------------------------------------------------------------------------


def test_only_a_bot_with_a_public_key_has_buttons() -> None:
    assert press_path(bot()) == "/discord/interactions"
    assert press_path(bot(public_key=None)) is None
    assert press_path(webhook()) is None


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, ""),
        ({"url": Secret("https://discord.com/api/webhooks/1")}, "url"),
        ({"url": Secret(WEBHOOK_URL), "token": Secret("t")}, "url"),
        ({"url": Secret(WEBHOOK_URL), "public_key": Secret("0" * 64)}, "public_key"),
        ({"token": Secret("t")}, "channel"),
        ({"token": Secret("t"), "channel": "#pictures"}, "channel"),
        ({"channel": "1"}, "token"),
        ({"token": Secret("t"), "channel": "1", "deciders": ("1",)}, "deciders"),
    ],
)
def test_options_that_do_not_fit_together_are_told(fields: dict[str, Any], key: str) -> None:
    with pytest.raises(OptionError) as caught:
        Discord(Discord.Options(**fields))
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('public_key = "abc"', "sinks.team.public_key"),
        ('deciders = ["ada"]', "sinks.team.deciders"),
        ('api_url = "discord.com"', "sinks.team.api_url"),
    ],
)
def test_options_are_judged_one_by_one_in_a_configuration(tmp_path: Path, line: str, key: str) -> None:
    file = tmp_path / "gridhook.toml"
    bots = 'handler = "discord"\ntoken = "env:TOKEN"\nchannel = "1"\n'
    file.write_text(f'public_url = "https://hooks.example.com"\n[sinks.team]\n{bots}{line}\n')
    with pytest.raises(ConfigError) as caught:
        read_config(file, {"TOKEN": "t"})
    assert key in str(caught.value)


# --- over a real connection ------------------------------------------------------------------------------------------


async def test_an_answer_that_is_lost_does_not_double_the_message() -> None:
    discord = PretendDiscord()
    discord.faults.extend(["lost", "503"])
    async with serve(discord.app) as root:
        transport = HttpTransport()
        room = Bound(bot(api_url=f"{root}/api/v10"), transport, NOW)
        sent = outgoing(images=())
        with pytest.raises(NoAnswer):
            await room.deliver(sent)
        assert isinstance(await room.deliver(sent), Again)
        assert isinstance(await room.deliver(sent), Delivered)
        await transport.aclose()
    assert len(discord.messages) == 1
    assert discord.mistakes == []


def test_a_webhooks_thread_is_named_in_each_call() -> None:
    place = webhook_place("https://discord.com/api/webhooks/1/x?thread_id=5")
    assert place.post == "https://discord.com/api/webhooks/1/x?wait=true&thread_id=5"
    assert place.message == ("https://discord.com/api/webhooks/1/x/messages/", "?thread_id=5")
