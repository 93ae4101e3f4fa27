"""Telegram: messages with pictures, edits, and what its refusals lead to, at a strict pretend Telegram."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from handlers.http.transport import HttpTransport
from handlers.telegram import Telegram
from handlers.telegram.message import MAX_CAPTION, MAX_MESSAGE, telegram_message
from handlers.telegram.wording import length
from receiver.errors import NoAnswer, OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered
from receiver.pretend.loopback import serve
from receiver.pretend.platforms.telegram.messages import ChatEntry
from receiver.pretend.platforms.telegram.server import PretendTelegram
from support.chat_events import a_question, asking, later, other_picture
from support.delivering import Bound, job_event, outgoing, strange_event
from support.platforms import CHAT, NOW, Room, Seconds, a_picture, telegram


class Chat(Room):
    """The sink in its chat."""

    def __init__(self, **options: Any) -> None:
        self.seconds = Seconds()
        self.telegram = PretendTelegram(seconds=self.seconds)
        super().__init__(telegram(**options), self.telegram)

    @property
    def only(self) -> ChatEntry:
        """The one message there is."""
        (entry,) = self.telegram.messages.values()
        return entry

    @property
    def methods(self) -> list[str]:
        return list(self.telegram.calls)


async def test_a_picture_goes_out_as_a_photo_with_what_it_is_about() -> None:
    chat = Chat()
    assert isinstance(await chat.bound.deliver(outgoing(prompt="a <b>garden</b> & more")), Delivered)
    assert (chat.only.kind, chat.telegram.pictures[chat.only.picture].type) == ("photo", "image/png")
    assert "Prompt: a <b>garden</b> & more" in chat.only.text
    assert chat.only.links == ("https://cdn.example.com/1.png",)
    assert chat.telegram.mistakes == []


@pytest.mark.parametrize(
    ("picture", "kind", "media"),
    [
        (a_picture((9000, 1200)), "document", "image/png"),
        (a_picture((2100, 100)), "document", "image/png"),
        (a_picture((6000, 3900), "BMP"), "", ""),
        (a_picture((200, 100), "WEBP"), "photo", "image/jpeg"),
        (a_picture((2000, 1700), "PNG", compress_level=0), "document", "image/png"),
        (b"<html>not found</html>", "", ""),
    ],
)
async def test_what_may_be_no_photo_is_a_document_and_what_is_no_picture_a_text(
    picture: bytes, kind: str, media: str
) -> None:
    chat = Chat()
    chat.hosts.picture = picture
    assert isinstance(await chat.bound.deliver(outgoing()), Delivered)
    shown = chat.telegram.pictures.get(chat.only.picture)
    assert (chat.only.kind, shown.type if shown else "") == (kind, media)
    assert chat.telegram.mistakes == []


async def test_a_picture_that_cannot_be_had_never_loses_the_message() -> None:
    chat = Chat()
    chat.hosts.picture = lambda _: httpx.Response(403)
    assert isinstance(await chat.bound.deliver(outgoing()), Delivered)
    assert chat.only.kind == ""
    assert chat.only.links == ("https://cdn.example.com/1.png",)


async def test_later_events_edit_the_message_and_fetch_a_picture_once() -> None:
    chat = Chat()
    first = await chat.bound.deliver(outgoing(status="running"))
    second = await chat.bound.deliver(later(first, prompt="another"))
    third = await chat.bound.deliver(later(second, 3, "evt_03", **other_picture("2")))
    assert isinstance(third, Delivered)
    assert chat.methods == ["sendPhoto", "editMessageCaption", "editMessageMedia"]
    assert len(chat.hosts.fetched) == 2
    assert chat.only.is_edited
    old = await chat.bound.deliver(later(third, 4, "evt_00"))
    assert isinstance(old, Delivered)
    assert old.note == "superseded"
    assert len(chat.methods) == 3


async def test_a_text_gets_its_picture_when_there_is_one() -> None:
    chat = Chat()
    first = await chat.bound.deliver(outgoing(images=(), status="running"))
    await chat.bound.deliver(later(first))
    assert chat.methods == ["sendMessage", "editMessageMedia"]
    assert chat.only.kind == "photo"


async def test_the_same_again_is_as_good_as_done() -> None:
    chat = Chat()
    first = await chat.bound.deliver(outgoing())
    again = await chat.bound.deliver(later(first, event="evt_01"))
    assert isinstance(again, Delivered)
    assert chat.methods == ["sendPhoto", "editMessageCaption"]
    assert chat.telegram.mistakes == []


async def test_a_message_that_is_gone_is_posted_anew() -> None:
    chat = Chat()
    first = await chat.bound.deliver(outgoing())
    chat.telegram.messages.clear()
    assert isinstance(await chat.bound.deliver(later(first, prompt="x")), Delivered)
    assert chat.methods == ["sendPhoto", "editMessageCaption", "sendPhoto"]
    assert chat.only.kind == "photo"


async def test_a_question_has_its_buttons_and_loses_them() -> None:
    chat = Chat()
    first = await chat.bound.deliver(asking())
    assert [[one["text"] for one in row] for row in chat.only.keyboard] == [
        [f"U{index} (2 credits)" for index in (1, 2, 3, 4)],
        ["V1", "V2", "V3", "V4"],
        ["reroll"],
    ]
    assert "Which tile of the grid of journey?" in chat.only.text
    over = a_question(status="canceled", hold=None)
    over = msgspec.structs.replace(over, tiles=(), others=())
    await chat.bound.deliver(msgspec.structs.replace(later(first), question=over))
    assert chat.only.keyboard == []
    assert "No tile was chosen" in chat.only.text
    assert chat.telegram.mistakes == []


async def test_messages_of_a_family_answer_its_first() -> None:
    chat = Chat()
    first = await chat.bound.deliver(outgoing())
    assert isinstance(first, Delivered)
    second = msgspec.structs.replace(outgoing(job_event(id="job_02")), family_receipt=first.receipt)
    await chat.bound.deliver(second)
    assert [entry.reply_to for entry in chat.telegram.messages.values()] == [None, 1]


async def test_whatever_a_vendor_says_fits_and_is_text() -> None:
    chat = Chat()
    assert isinstance(await chat.bound.deliver(outgoing(strange_event())), Delivered)
    assert "<b>" in chat.only.text
    message = telegram_message(outgoing(strange_event()))
    assert length(message.text(MAX_CAPTION)) <= MAX_CAPTION
    assert length(message.text(MAX_MESSAGE)) <= MAX_MESSAGE
    assert chat.telegram.mistakes == []


async def test_an_operators_html_that_cannot_be_read_is_sent_without() -> None:
    good = Chat(text="<b>{{ job.prompt }}</b>")
    await good.bound.deliver(outgoing(prompt="<i>"))
    assert good.only.text.startswith("<i>")
    bad = Chat(text="<b>{{ job.prompt }}")
    outcome = await bad.bound.deliver(outgoing(prompt="a garden"))
    assert isinstance(outcome, Delivered)
    assert "without HTML" in (outcome.note or "")
    assert bad.only.text.startswith("a garden")


# --- refusals --------------------------------------------------------------------------------------------------------


async def test_waits_are_honoured_and_the_pretended_group_limit_is_met() -> None:
    chat = Chat()
    for _ in range(20):
        assert isinstance(await chat.bound.deliver(outgoing(images=())), Delivered)
    limited = await chat.bound.deliver(outgoing(images=()))
    assert isinstance(limited, Again)
    assert limited.after == 3
    chat.seconds.now += 3
    assert isinstance(await chat.bound.deliver(outgoing(images=())), Delivered)


async def test_a_group_that_has_moved_is_followed() -> None:
    chat = Chat()
    chat.telegram.moved_to = -1009999999999
    outcome = await chat.bound.deliver(outgoing(images=()))
    assert isinstance(outcome, Delivered)
    await chat.bound.deliver(later(outcome, images=(), prompt="x"))
    assert chat.methods == ["sendMessage", "sendMessage", "editMessageText"]
    assert chat.telegram.mistakes == []


@pytest.mark.parametrize(
    ("status", "description", "kind", "words"),
    [
        (403, "Forbidden: bot was kicked from the group chat", Dead, "add the bot to the group again"),
        (400, "Bad Request: chat not found", Dead, "check the chat's id"),
        (401, "Unauthorized", Dead, "@BotFather"),
        (400, "Bad Request: something new", Dead, "something new"),
        (500, "Internal Server Error: restart", Again, "restart"),
        (200, "", Again, "not one of Telegram's"),
    ],
)
async def test_refusals_say_what_helps(status: int, description: str, kind: type[Any], words: str) -> None:
    chat = Chat()
    body = {"ok": False, "error_code": status, "description": description}
    answering = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    chat.hosts._apps = {"telegram": answering}  # type: ignore[dict-item]
    outcome = await chat.bound.deliver(outgoing(images=()))
    assert isinstance(outcome, kind)
    assert words in (outcome.note or "")


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [("token", Secret("no token")), ("chat", "pictures"), ("chat", "@x"), ("deciders", ("ada",)), ("chat", "1 2")],
)
def test_options_are_judged_one_by_one(key: str, value: object) -> None:
    (field,) = [one for one in msgspec.structs.fields(Telegram.Options) if one.name == key]
    info = msgspec.inspect.type_info(field.type)
    assert isinstance(info, msgspec.inspect.Metadata)
    assert info.extra is not None
    with pytest.raises(OptionError):
        info.extra["check"](value)


async def test_an_answer_that_is_lost_may_double_the_message_and_loses_nothing() -> None:
    platform = PretendTelegram()
    platform.faults.extend(["lost", "429"])
    async with serve(platform.app) as root:
        transport = HttpTransport()
        room = Bound(telegram(api_url=root), transport, NOW)
        sent = outgoing(images=())
        with pytest.raises(NoAnswer) as lost:
            await room.deliver(sent)
        assert CHAT.token not in str(lost.value)
        limited = await room.deliver(sent)
        assert isinstance(limited, Again)
        assert limited.after == 1
        assert isinstance(await room.deliver(sent), Delivered)
        await transport.aclose()
    assert len(platform.messages) == 2
