"""Reading kept requests again: tried beforehand, then done, with a word of how far it is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from receiver.contracts import KeptRequest, Transaction
from receiver.lib import ids
from support.browsing import VIEWER, Browser, a_browser, words
from support.world import PICKED


async def misread(browser: Browser, source: str = "journey", task: str = "772a0622-a41d-63f6-c938-668877662222") -> str:
    """The id of a request that an earlier version could not read: a pick is done, which rule auto-hd waits for."""
    body = json.dumps({**PICKED, "task_id": task}).encode()

    def work(tx: Transaction) -> str:
        number = tx.ids.next()
        tx.add_request(
            KeptRequest(
                number=number, source=source, state="unmapped", proof="secret", ref_job=None, headers={}, body=body
            )
        )
        return ids.show("req", number)

    return await browser.face.store.write(work)


async def run_over(browser: Browser, told: str) -> None:
    """Waits until the page says that."""
    async with asyncio.timeout(60):
        while told not in words(await browser.see("/requests/reparse")):
            pass


async def test_what_it_would_lead_to_is_told_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        request = await misread(browser)
        page = words(await browser.see(f"/requests/reparse?request={request}"))
        assert "1 request was tried; nothing of it is kept yet" in page
        assert "job.completed" in page
        assert "HD at journey, 2 credits" in page
        assert (await browser.face.get("/jobs"))["items"] == []
        assert (await browser.face.get("/events"))["items"] == []
        assert (await browser.face.get(f"/requests/{request}"))["status"] == "unmapped"


async def test_a_run_reads_what_was_chosen_and_tells_how_far_it_is(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        request = await misread(browser)
        await browser.see(f"/requests/reparse?request={request}")
        answer = await browser.send("/requests/reparse", {"request": request})
        assert (answer.status_code, answer.headers["location"]) == (303, "/requests/reparse")
        await run_over(browser, "Read 1 of 1 1 1 event made.")
        assert (await browser.face.get(f"/requests/{request}"))["status"] == "mapped"
        assert {job["action"] for job in (await browser.face.get("/jobs"))["items"]} == {"pick", "upscale"}


async def test_all_that_a_list_shows_is_read_and_what_cannot_be_is_told(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await misread(browser)
        await misread(browser, source="gone")
        page = await browser.see("/requests?status=unmapped")
        assert "/requests/reparse?all=1&amp;status=unmapped" in page
        page = words(await browser.see("/requests/reparse?all=1&status=unmapped"))
        assert "2 requests were tried" in page
        assert "its source is not configured any more" in page
        await browser.send("/requests/reparse", {"all": "1", "status": "unmapped"})
        await run_over(browser, "Read 2 of 2 2 1 event made; 1 could not be read again.")


async def test_nonsense_is_refused_and_a_viewer_reads_nothing_again(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.see("/requests/reparse")
        for fields in ({}, {"request": "nonsense"}, {"all": "1", "status": "nonsense"}, {"all": "1"}):
            assert (await browser.send("/requests/reparse", fields)).status_code == 400, fields
        assert "Nothing is selected" in words(await browser.see("/requests/reparse?request=nonsense"))
    async with a_browser(tmp_path, role_token=VIEWER) as browser:
        request = await misread(browser)
        assert "Read 1 again" not in words(await browser.see(f"/requests/reparse?request={request}"))
        assert (await browser.send("/requests/reparse", {"request": request})).status_code == 403
