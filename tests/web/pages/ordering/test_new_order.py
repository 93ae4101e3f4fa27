"""Ordering something new from a page."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from receiver.lib.signatures import Secret
from support.browsing import VIEWER, Browser, a_browser, words
from support.face import GRID, with_source


async def form(browser: Browser, path: str = "/jobs") -> dict[str, str]:
    """What the form of a page is about to send, with a prompt."""
    page = await browser.see(path)
    once = re.findall(r'name="once" value="([^"]+)"', page)[0]
    return {"once": once, "source": "journey", "action": "imagine", "tags": "", "p.prompt": "a <b>fox</b>"}


async def jobs(browser: Browser) -> list[dict[str, object]]:
    """All that there are."""
    return list((await browser.face.get("/jobs"))["items"])


async def test_an_order_is_made_once_however_often_its_form_is_sent(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        fields = {
            **await form(browser),
            "p.version": "7",
            "p.model": "midjourney",
            "tags": "project=poster, client=ada",
        }
        first = await browser.send("/jobs", fields)
        again = await browser.send("/jobs", fields)
        assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
        (job,) = await jobs(browser)
        assert first.headers["location"] == f"/jobs/{job['id']}"
        assert job["params"] == {"prompt": "a <b>fox</b>", "version": "7", "model": "midjourney"}
        assert job["tags"] == {"project": "poster", "client": "ada"}
        assert job["decided_by"] == "page:admin"
        other = await browser.send("/jobs", {**fields, "p.prompt": "a wolf"})
        assert other.headers["location"] != first.headers["location"]


async def test_what_is_wrong_is_told_in_the_form_and_nothing_is_lost(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        fields = await form(browser)
        for wrong, said in (
            ({"p.promt": "x"}, "promt"),
            ({"p.prompt": " "}, "needs a prompt"),
            ({"tags": "poster"}, "name=value"),
            ({"once": ""}, "open it again"),
        ):
            answer = await browser.send("/jobs", {**fields, **wrong})
            assert (answer.status_code, said in words(answer.text)) == (400, True), wrong
        kept = await browser.send("/jobs", {**fields, "tags": "poster"})
        assert "a &lt;b&gt;fox&lt;/b&gt;" in kept.text
        assert await jobs(browser) == []
        assert (await browser.send("/jobs", {**fields, "source": "nobody"})).status_code == 404


async def test_what_is_dear_is_asked_about_and_then_ordered_once(tmp_path: Path) -> None:
    dear = with_source("dear", prices={"imagine": Decimal(5)})
    async with a_browser(tmp_path, sources=(dear,)) as browser:
        fields = {**await form(browser), "source": "dear"}
        asked = await browser.send("/jobs", fields)
        assert (asked.status_code, "Order it for 5 credits?" in words(asked.text)) == (200, True)
        assert fields["once"] in asked.text
        assert await jobs(browser) == []
        sent = [await browser.send("/jobs", {**fields, "sure": "1"}) for _ in range(2)]
        assert [one.status_code for one in sent] == [303, 303]
        assert len(await jobs(browser)) == 1


async def test_a_job_is_ordered_again_with_its_prompt(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.face.post({**GRID, "prompt": 'a "quoted" fox'})
        (job,) = await jobs(browser)
        assert f"/jobs?like={job['id']}" in await browser.see(f"/jobs/{job['id']}")
        assert "a &#34;quoted&#34; fox" in await browser.see(f"/jobs?like={job['id']}")
        await browser.see("/jobs?like=job_0000000000000", status=404)


async def test_the_form_has_what_the_vendors_action_takes(tmp_path: Path) -> None:
    quiet = with_source("quiet", api_key=None)
    async with a_browser(tmp_path, sources=(quiet,)) as browser:
        page = await browser.see("/jobs?source=journey&action=blend&p.dimension=square")
        assert 'name="p.image_urls"' in page
        assert 'name="p.dimension" value="square"' in page
        assert 'name="p.prompt"' not in page
        assert ">quiet<" not in page


async def test_a_viewer_orders_nothing(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=VIEWER) as browser:
        assert "Ordering takes the admin token" in words(await browser.see("/jobs"))
        assert (await browser.send("/jobs", {"source": "journey"})).status_code == 403


async def test_where_nothing_takes_orders_that_is_said(tmp_path: Path) -> None:
    async with a_browser(tmp_path, sources=(with_source("journey", api_key=None, secrets=(Secret("x"),)),)) as browser:
        assert "No source takes orders" in words(await browser.see("/jobs"))
