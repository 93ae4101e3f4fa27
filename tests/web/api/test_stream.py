"""Events as they happen, over a real server."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from starlette.types import Message

from receiver.lib import ids
from receiver.model.events import KeptEvent
from receiver.store.postgres.store import PostgresStore
from receiver.web.api.broadcast import (
    BATCH,
    WINDOW,
    Broadcast,
    StreamFilter,
    newest,
)
from receiver.web.api.stream import Stream
from support.face import ADMIN, GRID, Face, a_face, with_source
from support.records import NOW, a_job
from support.world import Clock


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
        assert answer.headers["x-accel-buffering"] == "no"
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


def watches_of(face: Face) -> int:
    """How many watch the store's commits."""
    store: Any = face.store
    return len(store._commits._watches)


async def test_a_listener_that_goes_leaves_nothing_behind(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face, face.served() as address:
        before = watches_of(face)
        async with listening(address):
            assert watches_of(face) == before + 1
        watch = face.store.watch()
        async with asyncio.timeout(20):
            while watches_of(face) > before + 1:
                await a_task(face, f"task {len(await everything(face))}")
        watch.close()


async def test_open_streams_share_one_watch_and_need_no_task_but_their_callers(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face, face.served() as address, AsyncExitStack() as stack:
        first = await stack.enter_async_context(listening(address))
        watches, before = watches_of(face), len(asyncio.all_tasks())
        others = [await stack.enter_async_context(listening(address)) for _ in range(8)]
        assert watches_of(face) == watches
        # Two come and go while the one watch is waited for.
        assert len(asyncio.all_tasks()) <= before + len(others) + 2
        told = await a_task(face, "a")
        assert {(await one.event())["id"] for one in (first, *others)} == {told}


async def test_a_stream_that_is_opened_after_all_have_gone_is_told_too(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face, face.served() as address:
        for name in ("a", "b", "c"):
            async with listening(address) as listener:
                told = await a_task(face, name)
                assert (await listener.event())["id"] == told


class Caller:
    """Who listens to a broadcast, and takes nothing while `takes` is not set."""

    def __init__(self) -> None:
        self.takes = asyncio.Event()
        self.goes = asyncio.Event()
        self.found: list[str] = []
        self._more = asyncio.Event()

    async def send(self, message: Message) -> None:
        """The ASGI call."""
        await self.takes.wait()
        self.found += re.findall(r"^id: (.+)$", message["body"].decode(), re.MULTILINE)
        self._more.set()

    async def receive(self) -> Message:
        """The ASGI call."""
        await self.goes.wait()
        return {"type": "http.disconnect"}

    async def has(self, count: int) -> None:
        """Waits for so many events."""
        async with asyncio.timeout(20):
            while len(self.found) < count:
                self._more.clear()
                await self._more.wait()


async def test_a_slow_reader_misses_nothing_and_holds_nobody_up(tmp_path: Path) -> None:
    count = WINDOW + 2 * BATCH
    quick, slow = Caller(), Caller()
    async with a_face(tmp_path, rules=()) as face:
        broadcast = Broadcast(face.store, face.app.state.stopping, keep_alive=15)
        carried = [
            asyncio.create_task(broadcast.carry(one.receive, one.send, StreamFilter(), 0)) for one in (quick, slow)
        ]
        quick.takes.set()
        for first in range(0, count, BATCH):
            numbers = range(first, first + BATCH)
            await asyncio.gather(*(face.post({**GRID, "task_id": f"t-{one}"}) for one in numbers))
            await quick.has(first + BATCH)
        assert slow.found == []
        slow.takes.set()
        await slow.has(count)
        for one in (quick, slow):
            one.goes.set()
        await asyncio.gather(*carried)
    assert slow.found == quick.found == sorted(set(quick.found))


async def test_events_come_in_the_order_of_their_commits_whatever_their_numbers(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as store:

        async def keep(number: int) -> None:
            kept = a_job(number, intent=None)
            event = KeptEvent(number=number, job=number, type="job.progress", key=1, at=NOW, data=kept.job)
            await store.write(lambda tx: tx.add_job(kept))
            await store.write(lambda tx: tx.add_event(event))

        order = [9, 5, 7, *range(1000, 1000 + 2 * WINDOW, 2), 6, *range(1001, 1001 + BATCH, 2), 3]
        shown = [ids.show("evt", number) for number in order]
        await keep(order[0])
        broadcast = Broadcast(store, asyncio.Event(), keep_alive=15)
        from_start, behind, late = Caller(), Caller(), Caller()
        for one in (from_start, behind, late):
            one.takes.set()
        carried = [
            asyncio.create_task(broadcast.carry(one.receive, one.send, StreamFilter(), after))
            for one, after in ((from_start, 0), (behind, order[0]))
        ]
        await from_start.has(1)
        for number in order[1:]:
            await keep(number)
        await from_start.has(len(order))
        await behind.has(len(order) - 1)
        # Who comes back with the id of an event that a smaller number followed.
        carried.append(asyncio.create_task(broadcast.carry(late.receive, late.send, StreamFilter(), order[-2])))
        await late.has(1)
        for one in (from_start, behind, late):
            one.goes.set()
        await asyncio.gather(*carried)
    assert (from_start.found, behind.found, late.found) == (shown, shown[1:], shown[-1:])


async def test_a_stream_that_begins_now_begins_behind_nothing_that_is_yet_to_be_committed(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as store:
        kept = a_job(9)
        await store.write(lambda tx: tx.add_job(kept))
        async with await psycopg.AsyncConnection.connect(postgres) as other:
            # Another process is about to commit an event of its own.
            await other.execute("SELECT pg_current_xact_id()")
            event = KeptEvent(number=9, job=9, type="job.progress", key=1, at=NOW, data=kept.job)
            await store.write(lambda tx: tx.add_event(event))
            assert await store.read(newest) == 0
        assert await store.read(newest) == 9


async def test_a_store_that_cannot_be_read_ends_the_streams(tmp_path: Path, on_sqlite: None) -> None:
    async with a_face(tmp_path) as face, face.served() as address:
        seen = await a_task(face, "a")
        async with listening(address) as listener, listening(address, f"?since={seen}") as other:
            with closing(sqlite3.connect(tmp_path / "a.db")) as db:
                db.execute("PRAGMA legacy_alter_table = ON")  # the views on it are left as they are
                db.execute("ALTER TABLE events RENAME TO elsewhere")
            assert await listener.ended()
            assert await other.ended()


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
