"""The channel's page: what each person sees, presses that arrive, and foreign text that stays text."""

from __future__ import annotations

import asyncio

import httpx
from starlette.applications import Starlette

from receiver.pretend.loopback import serve
from receiver.pretend.platforms.channel.messages import ChannelButton, ChannelMessage, ChannelPerson, ChannelPicture
from receiver.pretend.platforms.channel.page import LONGEST_FORM, MOST_MESSAGES, ChannelPage, posts_for

ADA = ChannelPerson(id="U0000ADA", name="Ada")


class Room:
    """A channel with what a test puts in; `pressed` is what came of presses."""

    def __init__(self, *messages: ChannelMessage) -> None:
        self.messages = list(messages)
        self.pressed: list[tuple[str, str, str]] = []
        self.page = ChannelPage("#pictures", messages=lambda: self.messages, picture=self.picture, press=self.press)
        self.app = Starlette(routes=self.page.routes())

    def picture(self, name: str) -> ChannelPicture | None:
        kinds = {"one.png": "image/png", "bad.svg": "image/svg+xml"}
        return ChannelPicture(type=kinds[name], body=b"bytes") if name in kinds else None

    async def press(self, message: str, button: str, person: ChannelPerson) -> str:
        self.pressed.append((message, button, person.name))
        return f"<{button}> was pressed"

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://channel.test")


def a_message(number: int, **fields: object) -> ChannelMessage:
    shown = {"id": str(number), "author": "gridhook", "at": number * 1000, **fields}
    return ChannelMessage(**shown)  # type: ignore[arg-type]


def test_threads_stand_below_their_first_message_and_private_words_are_seen_by_one() -> None:
    messages = [a_message(1), a_message(2), a_message(3, thread="1"), a_message(4, thread="1", only_for="U0000BEA")]
    posts = posts_for(messages, ADA)
    shown = [(post.message.id, [reply.message.id for reply in post.replies]) for post in posts]
    assert shown == [("1", ["3"]), ("2", [])]


def test_an_answer_to_what_is_not_shown_any_more_stands_by_itself() -> None:
    assert [post.message.id for post in posts_for([a_message(3, thread="1")], ADA)] == ["3"]


async def test_foreign_text_is_text_and_nothing_of_it_runs() -> None:
    room = Room(a_message(1, lines=("<script>alert(1)</script>",), rows=((ChannelButton(id='"x', label="<b>U1"),),)))
    async with room.browser() as browser:
        page = await browser.get("/")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "&lt;b&gt;U1" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_press_arrives_and_its_answer_is_told_once() -> None:
    room = Room(a_message(1, rows=((ChannelButton(id="U2", label="U2 (2 credits)"),),)))
    form = {"person": "U0000BEA", "message": "1", "button": "U2"}
    async with room.browser() as browser:
        answer = await browser.post("/press", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/?as=U0000BEA")
        assert "was pressed" not in (await browser.get("/")).text
        assert "&lt;U2&gt; was pressed" in (await browser.get("/?as=U0000BEA")).text
        assert "was pressed" not in (await browser.get("/?as=U0000BEA")).text
    assert room.pressed == [("1", "U2", "Bea")]


async def test_presses_from_elsewhere_of_nobody_and_too_long_ones_do_nothing() -> None:
    room = Room()
    form = {"person": "U0000ADA", "message": "1", "button": "U2"}
    async with room.browser() as browser:
        elsewhere = await browser.post("/press", data=form, headers={"sec-fetch-site": "cross-site"})
        nobody = await browser.post("/press", data={**form, "person": "U0000EVE"})
        long = await browser.post("/press", data={**form, "button": "x" * LONGEST_FORM})
    assert [answer.status_code for answer in (elsewhere, nobody, long)] == [403, 400, 413]
    assert room.pressed == []


async def test_what_asks_first_has_its_button_behind_the_question() -> None:
    room = Room(a_message(1, rows=((ChannelButton(id="hd", label="HD", confirm="It costs 8 credits"),),)))
    async with room.browser() as browser:
        page = (await browser.get("/")).text
    assert page.index("It costs 8 credits") < page.index('value="hd"')
    assert "Yes, HD" in page


async def test_only_pictures_are_shown_as_pictures() -> None:
    async with Room().browser() as browser:
        assert (await browser.get("/shown/one.png")).headers["content-type"] == "image/png"
        assert (await browser.get("/shown/bad.svg")).status_code == 404
        assert (await browser.get("/shown/none")).status_code == 404
        assert (await browser.get("/assets/channel.js")).headers["content-type"].startswith("text/javascript")
        assert (await browser.get("/assets/page.py")).status_code == 404


async def test_the_page_shows_the_newest_messages_only() -> None:
    room = Room(*(a_message(number, lines=(f"line {number}.",)) for number in range(MOST_MESSAGES + 5)))
    async with room.browser() as browser:
        page = (await browser.get("/messages")).text
    assert "line 4." not in page
    assert f"line {MOST_MESSAGES + 4}." in page


async def test_open_pages_hear_that_something_changed() -> None:
    room = Room()
    async with serve(room.app) as root, httpx.AsyncClient() as it, it.stream("GET", f"{root}/changes") as news:
        lines = news.aiter_lines()

        async def heard() -> str:
            return await anext(lines)

        hearing = asyncio.create_task(heard())
        while not hearing.done():
            room.page.changed()
            await asyncio.sleep(0.01)
        assert hearing.result() == "data: changed"
