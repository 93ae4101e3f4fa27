"""Deliveries, requests and refused requests, and doing them again."""

from __future__ import annotations

from pathlib import Path

from support.browsing import a_browser, words
from support.face import GRID


async def test_deliveries_are_listed_and_told_attempt_by_attempt(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.face.post(GRID)
        (found,) = (await browser.face.get("/deliveries"))["items"]
        page = await browser.see("/deliveries")
        assert "job.completed" in words(page)
        assert f'href="/deliveries/{found["id"]}"' in page
        assert "None yet" in words(await browser.see(f"/deliveries/{found['id']}"))
        assert "Nothing here" in words(await browser.see("/deliveries?status=dead"))
        await browser.see("/deliveries?status=nonsense", 400)
        for nobody in ("dlv_0000000000001", "nonsense"):
            await browser.see(f"/deliveries/{nobody}", 404)


async def test_an_order_is_not_redelivered(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.face.submit()
        (found,) = (await browser.face.get("/deliveries"))["items"]
        page = await browser.see("/deliveries")
        assert "redeliver" not in page
        answer = await browser.send(f"/deliveries/{found['id']}/redeliver", {"csrf": ""})
        assert answer.status_code == 403
        await browser.see(f"/jobs/{found['job_id']}")
        answer = await browser.send(f"/deliveries/{found['id']}/redeliver")
        assert answer.status_code == 409
        assert "it would be paid again" in words(answer.text)


async def test_a_request_is_shown_word_for_word_as_text(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.face.post(b"<script>alert(1)</script> no json")
        await browser.face.post(b"\xff\xfe\x00")
        unclear, readable = (await browser.face.get("/requests"))["items"]
        page = await browser.see("/requests")
        assert words(page).count("unreadable") >= 2
        page = await browser.see(f"/requests/{readable['id']}")
        assert "<script>alert" not in page
        assert "<script>alert(1)</script> no json" in words(page)
        assert "in base64" in words(await browser.see(f"/requests/{unclear['id']}"))
        assert ">hook-secret<" not in page


async def test_why_requests_were_refused_is_told_and_nothing_more(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.face.post(GRID, headers={"x-webhook-secret": "a-wrong-one", "x-<b>": "1"})
        page = await browser.see("/requests")
        assert "header_differs" in words(page)
        assert "x-webhook-secret" in words(page)
        assert "a-wrong-one" not in page


async def test_an_event_is_sent_to_any_sink_there_is(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.face.post(GRID)
        (found,) = (await browser.face.get("/deliveries"))["items"]
        await browser.see(f"/deliveries/{found['id']}")
        path = f"/events/{found['event_id']}/resend"
        answer = await browser.send(path, {"sink": "team"})
        assert answer.status_code == 303
        made = await browser.face.get(answer.headers["location"])
        assert (made["event_id"], made["sink"], made["status"]) == (found["event_id"], "team", "pending")
        assert (await browser.send(path, {"sink": "nobody"})).status_code == 409
        assert (await browser.send("/events/evt_0000000000001/resend", {"sink": "team"})).status_code == 404
