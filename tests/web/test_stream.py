"""Events as they happen, over a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver.web.stream import BATCH, Stream
from support.face import ADMIN, GRID, Face, a_face, with_source


class Listener:
    """Reads server-sent events."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def frame(self) -> dict[str, str]:
        """The next frame: its fields, or its comment under the empty name."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(20):
            async for line in self._lines:
                if not line:
                    return fields
                name, _, value = line.partition(": ")
                fields[name.rstrip(":")] = value
        raise EOFError

    async def event(self) -> Any:
        """The next event; comments are passed over."""
        while "data" not in (frame := await self.frame()):
            pass
        event = json.loads(frame["data"])
        assert (frame["id"], frame["event"]) == (event["id"], event["type"])
        return event

    async def ended(self) -> bool:
        """Whether nothing but comments comes until the end."""
        try:
            while "data" not in await self.frame():
                pass
        except EOFError:
            return True
        return False


@asynccontextmanager
async def listening(address: str, query: str = "", **headers: str) -> AsyncIterator[Listener]:
    """A listener whose stream has begun."""
    async with (
        httpx.AsyncClient(base_url=address, headers={**ADMIN, **headers}, trust_env=False) as client,
        client.stream("GET", f"/api/v1/stream{query}", timeout=20) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        listener = Listener(answer)
        assert "data" not in await listener.frame()
        yield listener


async def a_task(face: Face, name: str, path: str = "/in/journey", **fields: object) -> str:
    """A webhook about a task of this name; gives the id of its event."""
    await face.post({**GRID, "task_id": name, **fields}, path)
    return str((await face.get("/events", limit="1"))["items"][0]["id"])


async def test_a_stream_begins_now_and_brings_every_event_once(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face, face.served() as address:
        await a_task(face, "before")
        async with listening(address) as listener:
            for name in ("a", "b", "c"):
                await a_task(face, name)
            found = [(await listener.event())["data"]["provider_job_id"] for _ in range(3)]
            assert found == ["a", "b", "c"]


async def test_a_listener_that_comes_back_misses_nothing(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face, face.served() as address:
        seen = await a_task(face, "a")
        missed = [await a_task(face, name) for name in ("b", "c")]
        async with listening(address, **{"last-event-id": seen}) as listener:
            assert [(await listener.event())["id"] for _ in missed] == missed
        async with listening(address, f"?since={seen}") as listener:
            assert [(await listener.event())["id"] for _ in missed] == missed
        async with listening(address, f"?since={seen}", **{"last-event-id": missed[0]}) as listener:
            assert (await listener.event())["id"] == missed[1]


async def test_more_than_is_read_at_a_time_comes_whole_and_in_order(tmp_path: Path) -> None:
    async with a_face(tmp_path, rules=()) as face, face.served() as address:
        first = await a_task(face, "first")
        await asyncio.gather(*(face.post({**GRID, "task_id": f"t-{number}"}) for number in range(BATCH * 2 + 5)))
        async with listening(address, f"?since={first}") as listener:
            found = [(await listener.event())["id"] for _ in range(BATCH * 2 + 5)]
        assert found == sorted(set(found))


async def test_a_stream_brings_only_what_is_asked_for(tmp_path: Path) -> None:
    async with (
        a_face(tmp_path, sources=(with_source("other"),)) as face,
        face.served() as address,
        listening(address, "?type=job.failed&source=other") as listener,
    ):
        await a_task(face, "a")
        await a_task(face, "b", status="failed")
        await a_task(face, "c", "/in/other")
        wanted = await a_task(face, "d", "/in/other", status="failed")
        assert (await listener.event())["id"] == wanted


async def test_silence_is_filled_with_comments(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        stream = Stream(face.store, face.app.state.stopping, keep_alive=0.01)
        face.app.router.routes.extend(stream.routes())
        async with (
            face.served() as address,
            httpx.AsyncClient(base_url=address, trust_env=False) as client,
            client.stream("GET", "/stream") as answer,
        ):
            listener = Listener(answer)
            assert [list(await listener.frame()) for _ in range(3)] == [[""]] * 3


async def test_a_stream_ends_at_shutdown(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face, face.served() as address, listening(address) as listener:
        face.app.state.stopping.set()
        assert await listener.ended()


async def test_a_listener_that_goes_leaves_nothing_behind(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face, face.served() as address:
        before = len(face.store._watches)
        async with listening(address):
            assert len(face.store._watches) == before + 1
        watch = face.store.watch()
        async with asyncio.timeout(20):
            while len(face.store._watches) > before + 1:
                await a_task(face, f"task {len(await everything(face))}")
        watch.close()


async def everything(face: Face) -> list[Any]:
    found = await face.get("/events", limit="500")
    return list(found["items"])


@pytest.mark.parametrize("query", ["?since=x", "?since=job_0000000000000", "?type=odd", "?limit=5"])
async def test_a_wrong_question_is_refused(tmp_path: Path, query: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get(f"/api/v1/stream{query}", headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")


async def test_a_last_event_that_is_none_is_refused(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get("/api/v1/stream", headers={**ADMIN, "last-event-id": "17"})
        assert answer.status_code == 400


async def test_only_the_head_of_a_stream_ends(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.head("/api/v1/stream", headers=ADMIN)
        assert (answer.status_code, answer.content) == (200, b"")
