"""The page of a job: what it shows, and what its forms do."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from pathlib import Path

from receiver.lib import ids
from support.browsing import VIEWER, Browser, a_browser, words
from support.face import GRID, with_source
from support.world import PICKED

NOBODY = "job_0000000000000"


async def a_grid(browser: Browser, **changes: object) -> str:
    """The id of a completed grid."""
    body = {**GRID, **changes}
    await browser.face.post(body)
    found = await browser.face.get("/jobs", provider_job_id=str(body["task_id"]))
    return str(found["items"][0]["id"])


def choices(page: str) -> list[str]:
    """What the buttons of a page order."""
    return [unescape(one) for one in re.findall(r'name="choice" value="([^"]*)"', page)]


async def test_a_grid_is_shown_with_its_tiles_and_prices(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await a_grid(browser)
        page = await browser.see(f"/jobs/{job}?tile=3")
        assert str(GRID["original_image_url"]) in page
        assert re.search(r'value="3" id="u3" required checked', page)
        assert "Pick U3 2 credits" in words(page)
        assert "What can follow" in words(page)
        assert "Webhook came" in words(page)


async def test_a_pick_is_ordered_once_however_often_it_is_pressed(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await a_grid(browser)
        await browser.see(f"/jobs/{job}")
        answers = [await browser.send(f"/jobs/{job}/pick", {"index": "2"}) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {303}
        assert len({answer.headers["location"] for answer in answers}) == 1
        picked = await browser.face.get("/jobs", parent_id=job)
        assert [(one["action"], one["params"]) for one in picked["items"]] == [("pick", {"index": 2})]
        assert "U2" in words(await browser.see(answers[0].headers["location"]))


async def test_what_can_follow_is_ordered_once_for_each_page(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await a_grid(browser)
        page = await browser.see(f"/jobs/{job}")
        choice = next(one for one in choices(page) if '"reroll"' in one)
        once = re.findall(r'name="once" value="([^"]*)"', page)[0]
        for _ in range(2):
            answer = await browser.send(f"/jobs/{job}/follow", {"choice": choice, "once": once})
            assert answer.status_code == 303
        assert len((await browser.face.get("/jobs", parent_id=job))["items"]) == 1
        again = re.findall(r'name="once" value="([^"]*)"', await browser.see(f"/jobs/{job}"))[0]
        await browser.send(f"/jobs/{job}/follow", {"choice": choice, "once": again})
        assert len((await browser.face.get("/jobs", parent_id=job))["items"]) == 2


async def test_what_is_dear_is_asked_about_once_more(tmp_path: Path) -> None:
    dear = with_source("journey", prices={"vary": Decimal(5)})
    async with a_browser(tmp_path, sources=(dear,)) as browser:
        job = await a_grid(browser)
        page = await browser.see(f"/jobs/{job}")
        choice = next(one for one in choices(page) if '"takes_tile":true' in one)
        fields = {"choice": choice, "once": "0123456789", "index": "2"}
        asked = await browser.send(f"/jobs/{job}/follow", fields)
        assert (asked.status_code, "Vary 2: 5 credits?" in words(asked.text)) == (200, True)
        assert (await browser.face.get("/jobs", parent_id=job))["items"] == []
        for _ in range(2):
            assert (await browser.send(f"/jobs/{job}/follow", {**fields, "sure": "1"})).status_code == 303
        assert len((await browser.face.get("/jobs", parent_id=job))["items"]) == 1


async def test_what_takes_a_tile_is_refused_without_one(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await a_grid(browser)
        page = await browser.see(f"/jobs/{job}")
        choice = next(one for one in choices(page) if '"takes_tile":true' in one)
        fields = {"choice": choice, "once": "0123456789"}
        assert (await browser.send(f"/jobs/{job}/follow", fields)).status_code == 400
        assert (await browser.send(f"/jobs/{job}/follow", {**fields, "index": "2"})).status_code == 303
        (ordered,) = (await browser.face.get("/jobs", parent_id=job))["items"]
        assert ordered["params"]["index"] == 2


async def test_a_form_that_is_none_of_ours_orders_nothing(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await a_grid(browser)
        await browser.see(f"/jobs/{job}")
        choice = '{"action":"reroll","params":{}}'
        for fields, status in (
            ({"index": "5"}, 400),
            ({"index": ""}, 400),
            ({"index": "2", "csrf": ""}, 403),
            ({"index": "2", "csrf": "0" * 32}, 403),
            ({"index": "2", "csrf": "é"}, 403),
        ):
            answer = await browser.send(f"/jobs/{job}/pick", fields)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        for fields in ({}, {"choice": "nonsense"}, {"choice": choice}, {"choice": choice, "once": "x"}):
            assert (await browser.send(f"/jobs/{job}/follow", fields)).status_code == 400
        answer = await browser.send(f"/jobs/{job}/pick", {"index": "2"}, **{"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403
        assert (await browser.client.post(f"/jobs/{job}/pick", content=b"\xff\xfe")).status_code == 400
        assert (await browser.client.post(f"/jobs/{job}/pick", content=b"x" * 300_000)).status_code == 413
        assert (await browser.face.get("/jobs", parent_id=job))["items"] == []


async def test_a_viewer_sees_everything_and_decides_nothing(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=VIEWER) as browser:
        job = await a_grid(browser)
        page = await browser.see(f"/jobs/{job}")
        assert 'name="index"' not in page
        assert choices(page) == []
        assert "What can follow" in words(page)
        for path in ("pick", "follow", "resolve", "cancel"):
            answer = await browser.send(f"/jobs/{job}/{path}", {"index": "2", "decision": "check"})
            assert answer.status_code == 403, path
        for path in ("/waiting/resolve", "/requests/reparse", "/deliveries/dlv_0000000000001/redeliver"):
            assert (await browser.send(path, {"job": job, "decision": "check"})).status_code == 403, path
        assert (await browser.face.get("/jobs", parent_id=job))["items"] == []


async def test_a_stranger_decides_nothing(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        job = await a_grid(browser)
        await browser.see(f"/jobs/{job}", 401)
        for path in (f"/jobs/{job}/pick", f"/jobs/{job}/follow", "/waiting/resolve", "/requests/reparse"):
            assert (await browser.send(path, {"index": "2"})).status_code == 401


async def test_foreign_text_is_text(tmp_path: Path) -> None:
    evil = '<script>alert(1)</script><svg onload="x">"\'>&lt;b&gt;\u202e {{ 7*7 }} {% raw %} --ar <i>16:9</i>'
    async with a_browser(tmp_path) as browser:
        job = await a_grid(
            browser,
            prompt=evil,
            original_image_url='javascript:alert(1)//"',
            image_urls=["data:text/html,<script>1"] * 4,
        )
        await browser.face.submit(params={"prompt": evil}, tags={"<b>": '"><script>'})
        for path in (f"/jobs/{job}", "/", "/waiting", "/deliveries", "/requests", f"/families/{job}"):
            page = await browser.see(path)
            assert "<script>alert" not in page
            assert "<svg onload" not in page
            assert "49" not in re.sub(r"[0-9a-z]{6,}", "", words(page))
            assert 'src="javascript' not in page
            assert 'src="data' not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in await browser.see(f"/jobs/{job}")


async def test_a_huge_prompt_makes_no_huge_page(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await a_grid(browser, prompt="x" * 100_000)
        assert len(await browser.see("/")) < 100_000


async def test_a_job_that_is_not_there_is_told_on_a_page(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        for job in (NOBODY, "nonsense", "%3Cscript%3E"):
            assert "404" in words(await browser.see(f"/jobs/{job}", 404))


async def test_a_family_is_drawn_as_a_tree(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await a_grid(browser)
        await browser.see(f"/jobs/{job}")
        await browser.send(f"/jobs/{job}/pick", {"index": "2"})
        (pick,) = (await browser.face.get("/jobs", parent_id=job))["items"]
        page = await browser.see(f"/jobs/{pick['id']}")
        assert f'href="/jobs/{job}"' in page
        assert "Family 2 jobs" in words(page)
        assert 'aria-current="true"' in page


async def test_what_other_tools_picked_is_shown_too(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await a_grid(browser, **PICKED)
        assert "auto-hd" in words(await browser.see(f"/jobs/{job}"))


async def test_two_pictures_of_a_family_are_compared(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.face.post(GRID)
        (grid,) = (await browser.face.get("/jobs"))["items"]
        assert "Compare with" not in words(await browser.see(f"/jobs/{grid['id']}"))
        picked = (await browser.face.api(f"/jobs/{grid['id']}/pick", {"index": 2})).json()
        path = f"/in/journey/{browser.face.ref(ids.read('job', picked['id']) or 0)}"
        done = {**GRID, "task_id": "772a0622-a41d-63f6-c938-668877662222", "task_type": "upscale-1x"}
        await browser.face.post({**done, "image_urls": [], "image_url": "https://cdn.example.com/u2.png"}, path)
        page = await browser.see(f"/jobs/{grid['id']}?compare={picked['id']}")
        assert 'class="compare ' in page
        assert f'value="{picked["id"]}" selected' in page
        assert 'class="compare ' not in await browser.see(f"/jobs/{grid['id']}?compare=job_0000000000000")
