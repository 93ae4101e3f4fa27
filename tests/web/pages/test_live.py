"""The stream of a page: names of what changed, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from support.browsing import a_browser
from support.face import GRID, TOKEN


async def heard(lines: httpx.Response, *wanted: str) -> list[str]:
    """The lines of a stream until all these names have come."""
    found: list[str] = []
    missing = set(wanted)
    async with asyncio.timeout(30):
        async for line in lines.aiter_lines():
            found.append(line)
            missing.discard(line.removeprefix("event: "))
            if not missing:
                break
    return found


async def test_a_page_hears_names_and_nothing_else(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser, browser.face.served() as base:
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with (
            httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client,
            client.stream("GET", "/live?of=wall") as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["x-accel-buffering"] == "no"
            # What is posted before the stream has begun to follow is on the page already.
            hearing = asyncio.create_task(heard(stream, "family", "cost"))
            prompts = iter(range(1000))
            while not hearing.done():
                task = f"550e8400-e29b-41d4-a716-{next(prompts):012d}"
                await browser.face.post({**GRID, "task_id": task, "prompt": "a secret garden"})
                await asyncio.wait([hearing], timeout=0.5)
            lines = await hearing
        assert {line.partition(":")[0] for line in lines} <= {"event", "data", ""}
        assert {line for line in lines if line.startswith("data")} == {"data: 1"}
        assert "secret garden" not in "".join(lines)


async def test_a_stream_takes_a_session_and_a_page_that_there_is(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        await browser.see("/live?of=wall", 401)
        await browser.sign_in()
        await browser.see("/live?of=nonsense", 400)
        await browser.see("/live", 400)
        assert (await browser.client.head("/live?of=wall")).headers["content-type"].startswith("text/event-stream")
