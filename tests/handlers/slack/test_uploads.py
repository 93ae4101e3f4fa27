"""Pictures as files of Slack: uploaded once, shown whatever their format, and never the reason that nothing is said."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from PIL import Image as Pillow

from handlers.http.transport import HttpTransport
from handlers.slack.bot import ShownMessage
from receiver.lib.pictures import examine
from receiver.model.deliveries import Delivered, OutgoingEvent
from support.delivering import Bound, outgoing
from support.pretend_slack import SlackSide, bot

NOW = 1_800_000_000_000
Answering = Callable[[httpx.Request], httpx.Response]


def a_picture(kind: str = "WEBP", width: int = 40) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", (width, 30), "teal").save(file, kind)
    return file.getvalue()


def vendor(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=a_picture())


async def shown(slack: SlackSide, sent: OutgoingEvent, of: Answering = vendor, **changes: Any) -> Delivered:
    """What became of a delivery with uploads; pictures come from `of`."""

    async def network(request: httpx.Request) -> httpx.Response:
        return await slack.answer(request) if request.url.host == "slack.test" else of(request)

    handler = bot(pictures="upload", **changes)
    outcome = await Bound(handler, HttpTransport(httpx.MockTransport(network)), NOW).deliver(sent)
    assert isinstance(outcome, Delivered)
    return outcome


def image_of(slack: SlackSide) -> dict[str, Any]:
    (block,) = [one for one in slack.messages[-1].blocks if one["type"] == "image"]
    return block


async def test_a_webp_picture_is_shown_as_a_jpeg_file_of_slack() -> None:
    slack = SlackSide()
    await shown(slack, outgoing())
    file = slack.pretend.workspace.files[image_of(slack)["slack_file"]["id"]]
    assert examine(file.body or b"").type == "image/jpeg"
    assert slack.mistakes == []


async def test_a_huge_picture_is_made_smaller() -> None:
    slack = SlackSide()
    await shown(slack, outgoing(), lambda _: httpx.Response(200, content=a_picture("PNG", 5000)))
    file = slack.pretend.workspace.files[image_of(slack)["slack_file"]["id"]]
    assert examine(file.body or b"").width == 2048


async def test_an_edit_shows_the_file_that_is_there_and_a_new_picture_is_uploaded() -> None:
    slack = SlackSide()
    receipt = (await shown(slack, outgoing())).receipt
    first = image_of(slack)["slack_file"]["id"]
    receipt = (await shown(slack, msgspec.structs.replace(outgoing(), receipt=receipt))).receipt
    assert image_of(slack)["slack_file"]["id"] == first
    other = outgoing(grid_url="https://cdn.example.com/other.webp")
    after = (await shown(slack, msgspec.structs.replace(other, receipt=receipt))).receipt
    assert image_of(slack)["slack_file"]["id"] != first
    assert msgspec.json.decode(after or "", type=ShownMessage).file == image_of(slack)["slack_file"]["id"]
    assert len(slack.pretend.workspace.files) == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, text="<html>gone</html>"),
        httpx.Response(200, content=a_picture()[:40]),
        httpx.Response(302, headers={"location": "http://169.254.169.254/"}),
    ],
)
async def test_a_picture_that_cannot_be_had_goes_by_its_address(answer: httpx.Response) -> None:
    slack = SlackSide()
    await shown(slack, outgoing(), lambda _: answer)
    assert image_of(slack)["image_url"] == "https://cdn.example.com/1.png"
    assert len(slack.pretend.workspace.files) == 0


async def test_the_next_picture_takes_the_place_of_one_that_cannot_be_had() -> None:
    slack = SlackSide()
    grid = outgoing(grid_url="https://cdn.example.com/missing.png")
    await shown(slack, grid, lambda request: httpx.Response(404) if "missing" in request.url.path else vendor(request))
    assert "slack_file" in image_of(slack)


async def test_where_slack_takes_no_file_the_picture_goes_by_its_address() -> None:
    slack = SlackSide()

    async def network(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("getUploadURLExternal"):
            return httpx.Response(200, json={"ok": False, "error": "missing_scope"})
        return await slack.answer(request) if request.url.host == "slack.test" else vendor(request)

    handler = Bound(bot(pictures="upload"), HttpTransport(httpx.MockTransport(network)), NOW)
    assert isinstance(await handler.deliver(outgoing()), Delivered)
    assert image_of(slack)["image_url"] == "https://cdn.example.com/1.png"


@pytest.mark.parametrize(
    "place",
    [
        "http://elsewhere.test/x",
        "https://elsewhere.test/x",
        "https://slack.test@elsewhere.test/x",
        "https://slack.test.elsewhere.test/x",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[x",
        7,
    ],
)
async def test_bytes_go_to_slack_only(place: object) -> None:
    slack = SlackSide()
    called: list[str] = []

    async def network(request: httpx.Request) -> httpx.Response:
        called.extend([request.url.host] if request.method == "POST" else [])
        if request.url.path.endswith("getUploadURLExternal"):
            return httpx.Response(200, json={"ok": True, "file_id": "F012345678", "upload_url": place})
        return await slack.answer(request) if request.url.host == "slack.test" else vendor(request)

    handler = Bound(bot(pictures="upload"), HttpTransport(httpx.MockTransport(network)), NOW)
    assert isinstance(await handler.deliver(outgoing()), Delivered)
    assert set(called) == {"slack.test"}
