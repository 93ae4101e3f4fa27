"""`forward`: events of a running gridhook reach a program on this machine, each once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from cli.parts import bare
from receiver.cli.commands import forward
from receiver.pretend.loopback import serve
from receiver.pretend.receivers.post_collector import PostCollector
from support.face import GRID, TOKEN, a_face
from support.server import until


@asynccontextmanager
async def forwarding(source: str, target: str, since: str | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(forward._forward(source, target, TOKEN, since))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_a_running_gridhook_tells_is_posted_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    side = PostCollector()
    said: list[str] = []

    def is_told(words: str) -> bool:
        said.append(capsys.readouterr().out)
        return words in "".join(said)

    async with a_face(tmp_path) as face, serve(face.app) as source, serve(side.app) as target:
        await face.post(GRID)
        (first,) = (await face.get("/events"))["items"]
        async with forwarding(source, f"{target}/hook", since="evt_0000000000001"):
            told = f"job.completed {first['subject']}: HTTP 200"
            await until(lambda: is_told(told), "a word of the post")
        face.app.state.stopping.set()
    assert [post.body for post in side.posts] == [first]
    assert side.posts[0].headers["webhook-id"] == first["id"]


async def test_it_goes_on_behind_what_it_posted_after_the_stream_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "AGAIN_S", 0.01)
    asked: list[str | None] = []

    async def stream(request: Request) -> Response:
        asked.append(request.headers.get("last-event-id"))
        number = len(asked)
        body = (
            f': hello\n\nid: evt_{number}\nevent: x\ndata: {{"type": "job.completed", "subject": "job_{number}"}}\n\n'
        )
        return PlainTextResponse("later", 503) if number == 2 else StreamingResponse(iter([body.encode()]))

    side = PostCollector()
    app = Starlette(routes=[Route("/api/v1/stream", stream)])
    async with serve(app) as source, serve(side.app) as target, forwarding(source, target):
        await until(lambda: len(side.posts) >= 2, "two posts")
    assert asked[:3] == [None, "evt_1", "evt_1"]
    assert [post.body["subject"] for post in list(side.posts)[:2]] == ["job_1", "job_3"]


async def test_a_program_that_is_down_is_told_and_holds_nothing_up(capsys: pytest.CaptureFixture[str]) -> None:
    await forward._post(
        forward.client(1), "http://127.0.0.1:9/", forward.StreamedEvent("evt_1", '{"type":"a","subject":"b"}')
    )
    assert "a b: not taken:" in capsys.readouterr().out


async def test_a_program_whose_answer_never_ends_holds_nothing_up(capsys: pytest.CaptureFixture[str]) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)

    async def answer(_request: Request) -> Response:
        return StreamingResponse(endless())

    app = Starlette(routes=[Route("/", answer, methods=["POST"])])
    async with serve(app) as target, forward.client(30) as posting, asyncio.timeout(30):
        await forward._post(posting, target, forward.StreamedEvent("evt_1", '{"type":"a","subject":"b"}'))
    assert "a b: HTTP 200" in capsys.readouterr().out


@pytest.mark.parametrize(("source", "target"), [("ftp://x", "http://127.0.0.1:1"), ("http://127.0.0.1:1", "nowhere")])
def test_addresses_are_judged_before_anything_is_called(source: str, target: str) -> None:
    assert bare("forward", "--from", source, "--to", target).exit_code == 2


async def test_a_wrong_token_ends_it_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDHOOK_ADMIN_TOKEN", "another-token-of-some-length")
    async with a_face(tmp_path) as face, serve(face.app) as source:
        ended = await asyncio.to_thread(bare, "forward", "--from", source, "--to", "http://127.0.0.1:9/")
    assert ended.exit_code == 1
    assert "set GRIDHOOK_VIEWER_TOKEN or GRIDHOOK_ADMIN_TOKEN to its token" in ended.stderr
