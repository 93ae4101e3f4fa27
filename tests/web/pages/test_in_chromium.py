"""The pages in a real browser: first pick, live, hostile text, narrow screens, no script."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from receiver.contracts import Answer
from support.browsing import Browser, a_browser
from support.chromium import chromium
from support.face import GRID, TOKEN
from support.hostile_pictures import png

#: How long the browser may take for anything, ms: it says that something hangs, not how quick the machine is.
PATIENCE_MS = 60_000
EVIL = "<script>document.title='owned'</script>" + "x" * 3000 + " \u202e <img src=x onerror=alert(1)>"
#: The vendor's id of a grid, by its number.
GRID_TASK = "550e8400-e29b-41d4-a716-{:012d}"
#: Pictures that need no network: the address is refused before it is asked for.
LOCAL = {"original_image_url": "http://127.0.0.1:9/grid.png", "image_urls": ["http://127.0.0.1:9/1.png"] * 4}


async def sign_in(page: Page, base: str) -> None:
    """Goes through the sign-in page."""
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{base}/login")
    await page.fill("input[name=token]", TOKEN)
    await page.click("button.go")
    await page.wait_for_url(f"{base}/")


def ours(complaints: list[str]) -> list[str]:
    """What the console says beyond that pictures of nowhere do not load."""
    return [one for one in complaints if "ERR_" not in one and "status of 410" not in one]


async def a_grid(browser: Browser, number: int = 1, prompt: str = "a lighthouse") -> str:
    """The id of a grid."""
    task = GRID_TASK.format(number)
    await browser.face.post({**GRID, **LOCAL, "task_id": task, "prompt": prompt})
    return str((await browser.face.get("/jobs", provider_job_id=task))["items"][0]["id"])


async def test_a_tile_of_the_wall_and_one_press_are_a_pick(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser, browser.face.served() as base, chromium() as watched:
        grid = await a_grid(browser)
        page = watched.page
        await sign_in(page, base)
        await page.click(f"#fam-{grid} .tiles li:nth-child(3) a")
        await expect(page.locator("[data-pay]")).to_contain_text("Pick U3", timeout=PATIENCE_MS)
        await page.keyboard.press("2")
        await expect(page.locator("[data-pay]")).to_contain_text("Pick U2", timeout=PATIENCE_MS)
        await page.click("[data-pay]")
        await expect(page.locator("h2#fam-h + p")).to_have_text("2 jobs", timeout=PATIENCE_MS)
        (picked,) = (await browser.face.get("/jobs", parent_id=grid))["items"]
        assert picked["params"] == {"index": 2}
        assert ours(watched.complaints) == []


async def test_what_a_webhook_tells_is_on_the_open_wall_by_itself(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser, browser.face.served() as base, chromium() as watched:
        await a_grid(browser, 1)
        await sign_in(watched.page, base)
        await expect(watched.page.locator(".live[data-state=on]")).to_be_visible(timeout=PATIENCE_MS)
        begun = {"task_id": GRID_TASK.format(2), "task_type": "imagine", "status": "processing", "progress": 50}
        await browser.face.post(begun)
        cards = watched.page.locator(".fam")
        await expect(cards).to_have_count(2, timeout=PATIENCE_MS)
        await cards.evaluate_all("cards => cards.forEach(card => { card.dataset.seen = true; })")
        grid = await a_grid(browser, 2, "a new one")
        await expect(watched.page.locator(f"#fam-{grid}:not([data-seen])")).to_be_visible(timeout=PATIENCE_MS)
        # A filtered wall follows too: what begins comes in, what is over goes out.
        await watched.page.goto(f"{base}/?status=running")
        await expect(watched.page.locator(".live[data-state=on]")).to_be_visible(timeout=PATIENCE_MS)
        await expect(cards).to_have_count(0, timeout=PATIENCE_MS)
        await browser.face.post({**begun, "task_id": GRID_TASK.format(3)})
        await expect(cards).to_have_count(1, timeout=PATIENCE_MS)
        await a_grid(browser, 3, "soon over")
        await expect(cards).to_have_count(0, timeout=PATIENCE_MS)
        assert ours(watched.complaints) == []


@pytest.mark.parametrize("width", [360, 1440])
async def test_hostile_text_stays_text_and_within_the_screen(tmp_path: Path, width: int) -> None:
    async with a_browser(tmp_path) as browser, browser.face.served() as base, chromium(width) as watched:
        grid = await a_grid(browser, 1, EVIL)
        await browser.face.submit(params={"prompt": EVIL[:2000]}, tags={"<b>": "y" * 400})
        page = watched.page
        await sign_in(page, base)
        for path in ("/", f"/jobs/{grid}", "/waiting", "/deliveries", "/requests"):
            await page.goto(base + path)
            assert "owned" not in await page.title() or "<script>" in await page.title()
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert ours(watched.complaints) == []


async def test_without_script_one_can_look_and_pick(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser, browser.face.served() as base, chromium(script=False) as watched:
        grid = await a_grid(browser)
        page = watched.page
        await sign_in(page, base)
        await page.goto(f"{base}/jobs/{grid}?tile=4")
        await page.click("[data-pay]")
        await expect(page.locator("h2#fam-h + p")).to_have_text("2 jobs", timeout=PATIENCE_MS)
        (picked,) = (await browser.face.get("/jobs", parent_id=grid))["items"]
        assert picked["params"] == {"index": 4}


class OnePicture:
    """Every foreign address leads to the same picture: a `ForeignClient`."""

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        return Answer(status=200, body=png(800, 600))


async def test_pictures_show_on_the_wall_and_on_their_own_page(tmp_path: Path) -> None:
    async with (
        a_browser(tmp_path, foreign=OnePicture()) as browser,
        browser.face.served() as base,
        chromium() as watched,
    ):
        grid = await a_grid(browser)
        page = watched.page
        await sign_in(page, base)
        for path, place, width in (("/", ".fam-grid img", 400), (f"/jobs/{grid}", ".stage img", 800)):
            await page.goto(base + path)
            shown = page.locator(place)
            await expect(shown).to_have_js_property("naturalWidth", width, timeout=PATIENCE_MS)
        assert watched.complaints == []
