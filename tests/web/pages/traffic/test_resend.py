"""Sending many kept events to a sink: which ones is shown beforehand, and how far it is meanwhile."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from pathlib import Path

from handlers.log import Log
from receiver.contracts import NoOptions, Sink
from support.browsing import VIEWER, Browser, a_browser, words
from support.face import GRID
from support.world import Clock

SINKS = {name: Sink(name=name, handler=Log(NoOptions()), handler_name="log") for name in ("team", "new")}


def offered(page: str) -> dict[str, str]:
    """What the form of a preview sends, beside its token."""
    form = page[page.rindex('action="/events/resend">') :]
    fields = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', form)
    return {name: unescape(value) for name, value in fields if name not in ("csrf", "all")}


async def sent(browser: Browser) -> list[str]:
    """The types of events that are on their way to the new sink, oldest first."""
    found = (await browser.face.get("/deliveries?sink=new"))["items"]
    return [one["event_type"] for one in reversed(found)]


async def run_over(browser: Browser, told: str) -> None:
    """Waits until the page says that."""
    async with asyncio.timeout(60):
        while told not in words(await browser.see("/events/resend")):
            pass


async def test_what_was_shown_is_what_is_sent_and_nothing_before(tmp_path: Path) -> None:
    clock = Clock()
    async with a_browser(tmp_path, sinks=SINKS, clock=clock) as browser:
        for number in range(3):
            await browser.face.post({**GRID, "task_id": f"550e8400-e29b-41d4-a716-44665544000{number}"})
        page = await browser.see("/events/resend?sink=new&type=job.completed&since=24h")
        assert "3 events to new" in words(page)
        assert await sent(browser) == []
        fields = offered(page)
        # What comes after the look was not shown, and is not sent.
        clock.now += 5_000
        await browser.face.post({**GRID, "task_id": "550e8400-e29b-41d4-a716-446655440009"})
        answer = await browser.send("/events/resend", fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/events/resend")
        await run_over(browser, "Planned 3 of 3 3 3 deliveries to new made. Look at them")
        assert await sent(browser) == ["job.completed"] * 3


async def test_what_the_command_line_refuses_is_refused(tmp_path: Path) -> None:
    async with a_browser(tmp_path, sinks=SINKS) as browser:
        await browser.face.post(GRID)
        page = words(await browser.see("/events/resend?sink=new"))
        assert "Narrow it by type, source, time or job first" in page
        for fields, status in (
            ({"sink": "new"}, 400),
            ({"sink": "new", "type": "nonsense"}, 400),
            ({"sink": "new", "source": "nonsense"}, 400),
            ({"sink": "nowhere", "type": "job.completed"}, 409),
            ({"type": "job.completed"}, 409),
        ):
            assert (await browser.send("/events/resend", fields)).status_code == status, fields
        assert (await browser.client.get("/events/resend?sink=nowhere&type=job.completed")).status_code == 409
        assert await sent(browser) == []


async def test_a_viewer_looks_and_sends_nothing(tmp_path: Path) -> None:
    async with a_browser(tmp_path, sinks=SINKS, role_token=VIEWER) as browser:
        await browser.face.post(GRID)
        page = words(await browser.see("/events/resend?sink=new&type=job.completed"))
        assert "1 event to new" in page
        assert "Send 1 to new" not in page
        fields = {"sink": "new", "type": "job.completed"}
        assert (await browser.send("/events/resend", fields)).status_code == 403
        assert await sent(browser) == []
