"""The pretend Telegram is as strict as the real one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from receiver.pretend.platforms.telegram.server import PretendTelegram, TelegramOptions
from support.platforms import CHAT, Seconds, a_picture
from support.world import Clock


class Client:
    """Calls the Bot API of a pretend Telegram."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.telegram = PretendTelegram(TelegramOptions(**options), clock=self.clock, seconds=Seconds())
        transport = httpx.ASGITransport(self.telegram.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://telegram.test")

    async def call(self, method: str, token: str = CHAT.token, **fields: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer; the chat is filled in."""
        body = fields if "callback_query_id" in fields or "timeout" in fields else {"chat_id": CHAT.chat, **fields}
        answer = await self.http.post(f"/bot{token}/{method}", json=body)
        return answer.status_code, answer.json()

    async def upload(self, kind: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The same for a file."""
        answer = await self.http.post(
            f"/bot{CHAT.token}/send{kind.title()}", data={"chat_id": str(CHAT.chat)}, files={kind: ("a.png", body)}
        )
        return answer.status_code, answer.json()


def button(data: str) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "U1", "callback_data": data}]]}


@pytest.mark.parametrize(
    ("method", "fields", "code", "words"),
    [
        ("sendMessage", {"text": ""}, 400, "message text is empty"),
        ("sendMessage", {"text": "x" * 4097}, 400, "message is too long"),
        ("sendMessage", {"text": "😀" * 2049}, 400, "message is too long"),
        ("sendMessage", {"text": "a < b", "parse_mode": "HTML"}, 400, "can't parse entities: Unsupported start tag"),
        ("sendMessage", {"text": "<b>a", "parse_mode": "HTML"}, 400, "Can't find end tag"),
        ("sendMessage", {"text": "<b>a</i>", "parse_mode": "HTML"}, 400, "Unmatched end tag at byte offset 4"),
        ("sendMessage", {"text": "<script>x</script>", "parse_mode": "HTML"}, 400, "Unsupported start tag"),
        ("sendMessage", {"text": "x", "reply_markup": button("x" * 65)}, 400, "BUTTON_DATA_INVALID"),
        ("sendMessage", {"text": "x", "reply_markup": button("é" * 33)}, 400, "BUTTON_DATA_INVALID"),
        ("sendMessage", {"text": "x", "chat_id": 7}, 400, "chat not found"),
        ("sendPhoto", {"caption": "x"}, 400, "no file"),
        ("sendPhoto", {"caption": "x" * 1025}, 400, "caption is too long"),
        ("editMessageText", {"text": "x", "message_id": 9}, 400, "message to edit not found"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, 400, "query is too old"),
        ("sendSticker", {}, 404, "method not found"),
    ],
)
async def test_what_the_real_one_refuses_is_refused_in_its_words(
    method: str, fields: dict[str, Any], code: int, words: str
) -> None:
    client = Client()
    status, body = await client.call(method, **fields)
    assert (status, body["ok"], body["error_code"]) == (code, False, code)
    assert words in body["description"]
    assert client.telegram.mistakes


async def test_a_token_that_is_not_the_bots_is_unauthorized() -> None:
    assert await Client().call("sendMessage", token="1:x", text="x") == (
        401,
        {"ok": False, "error_code": 401, "description": "Unauthorized"},
    )


@pytest.mark.parametrize(
    ("kind", "picture", "code"),
    [
        ("photo", a_picture(), 200),
        ("photo", a_picture((9000, 1100)), 400),
        ("photo", a_picture((2100, 100)), 400),
        ("photo", b"no picture", 400),
        ("photo", b"x" * 10_000_001, 413),
        ("document", b"no picture", 200),
    ],
)
async def test_photos_have_limits(kind: str, picture: bytes, code: int) -> None:
    assert (await Client().upload(kind, picture))[0] == code


async def test_what_is_edited_must_change() -> None:
    client = Client()
    _, sent = await client.call("sendMessage", text="x")
    number = sent["result"]["message_id"]
    status, body = await client.call("editMessageText", text="x", message_id=number)
    assert (status, body["description"].partition(":")[0]) == (400, "Bad Request")
    assert "message is not modified" in body["description"]
    assert (await client.call("editMessageText", text="y", message_id=number))[0] == 200
    assert "no caption" in (await client.call("editMessageCaption", caption="y", message_id=number))[1]["description"]


async def test_a_group_gets_twenty_messages_and_then_it_is_told_how_long_to_wait() -> None:
    client = Client(burst=20)
    for _ in range(20):
        assert (await client.call("sendMessage", text="x"))[0] == 200
    status, body = await client.call("sendMessage", text="x")
    assert (status, body["parameters"]) == (429, {"retry_after": 3})


async def test_presses_are_told_until_they_are_confirmed_and_forgotten_after_150_seconds() -> None:
    client = Client()
    await client.call("sendMessage", text="x", reply_markup=button("code"))
    entry, person = client.telegram.messages[1], client.telegram.page._people["1001"]
    client.telegram.updates.add(entry, "code", person)
    polled: dict[str, Any] = {"timeout": 0, "allowed_updates": ["callback_query"]}
    first = (await client.call("getUpdates", **polled))[1]["result"]
    assert (await client.call("getUpdates", **polled))[1]["result"] == first
    assert (await client.call("getUpdates", **polled, offset=first[0]["update_id"] + 1))[1]["result"] == []
    client.telegram.updates.add(entry, "code", person)
    client.clock.pass_by(151)
    assert (await client.call("getUpdates", **polled))[1]["result"] == []
    assert client.telegram.mistakes == []


async def test_the_chat_is_shown_and_its_buttons_are_pressed() -> None:
    client = Client()
    await client.call("sendMessage", text="a < b", reply_markup=button("code"))
    page = await client.http.get("/")
    assert "a &lt; b" in page.text
    assert "U1" in page.text
    form = {"person": "1001", "message": "1", "button": "none"}
    await client.http.post("/press", data=form)
    assert "not there any more" in (await client.http.get("/?as=1001")).text
