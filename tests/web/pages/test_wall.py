"""The wall: families, filters, what is older, and the first run."""

from __future__ import annotations

import re
from pathlib import Path

from support.browsing import Browser, a_browser, words
from support.face import GRID, with_source


async def a_grid(browser: Browser, number: int, prompt: str = "a lighthouse") -> str:
    """The id of one of many grids."""
    task = f"550e8400-e29b-41d4-a716-{number:012d}"
    await browser.face.post({**GRID, "task_id": task, "prompt": prompt})
    return str((await browser.face.get("/jobs", provider_job_id=task))["items"][0]["id"])


def cards(page: str) -> list[str]:
    """The roots of the families on a page, in order."""
    return re.findall(r'id="fam-(job_[0-9a-z]+)"', page)


async def test_the_first_visit_is_three_steps(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        page = words(await browser.see("/"))
        assert "Three steps to the first picture" in page
        assert "gridhook submit journey imagine" in page
        await a_grid(browser, 1)
        assert "Three steps" not in words(await browser.see("/"))


async def test_a_family_is_one_card_with_what_followed(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        grid = await a_grid(browser, 1)
        other = await a_grid(browser, 2)
        await browser.see(f"/jobs/{grid}")
        await browser.send(f"/jobs/{grid}/pick", {"index": "3"})
        page = await browser.see("/")
        assert cards(page) == [grid, other]
        assert 'class="mark m3"' in page
        assert "U3" in words(page)
        assert "2 credits reserved" in words(page)
        assert cards(await browser.see(f"/families/{grid}")) == [grid]


async def test_what_is_older_follows_and_nothing_stands_twice(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        grids = [await a_grid(browser, number) for number in range(1, 46)]
        await browser.see(f"/jobs/{grids[0]}")
        await browser.send(f"/jobs/{grids[0]}/pick", {"index": "1"})
        seen: list[str] = []
        path = "/"
        while path:
            page = await browser.see(path)
            seen += cards(page)
            older = re.search(r'href="(/\?cursor=[^"]+)"', page)
            path = older[1] if older is not None else ""
        assert seen == [grids[0], *reversed(grids[1:])]


async def test_filters_stand_in_the_address(tmp_path: Path) -> None:
    async with a_browser(tmp_path, sources=(with_source("other"),)) as browser:
        grid = await a_grid(browser, 1)
        tagged = (await browser.face.submit(source="other", tags={"project": "poster"}))["id"]
        assert cards(await browser.see("/?source=other&status=&action=&since=24h&tag=")) == [tagged]
        assert cards(await browser.see("/?tag=project%3Dposter")) == [tagged]
        assert cards(await browser.see("/?source=journey")) == [grid]
        assert cards(await browser.see("/?find=550e8400-e29b-41d4-a716-000000000001")) == [grid]
        await browser.face.submit(params={"prompt": "A Fox 100% in snow"})
        (fox,) = cards(await browser.see("/?find=fox+100%25"))
        assert fox not in (grid, tagged)
        assert cards(await browser.see("/?find=fox+100_")) == []
        assert "Nothing here fits this filter" in words(await browser.see("/?status=unsure"))
        answer = await browser.client.get(f"/?find={grid}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{grid}")
        for wrong in ("status=nonsense", "cursor=x", "since=soon"):
            await browser.see(f"/?{wrong}", 400)
