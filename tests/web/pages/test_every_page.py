"""Every page in a real browser, light and dark, wide and narrow: one server, one look at each."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Page

from handlers.log import Log
from receiver.contracts import NoOptions, Sink, Transaction
from receiver.lib import ids
from receiver.model.money import Breaker
from support.axe import axe_script, violations
from support.browsing import Browser, a_browser
from support.chromium import WatchedPage, launched
from support.face import GRID, TOKEN
from support.records import NOW
from support.unsure import lose_the_answer

#: How long the browser may take for anything, ms: it says that something hangs, not how quick the machine is.
PATIENCE_MS = 60_000
EVIL = (
    "<script>document.title='owned'</script>" + "x" * 3000 + " \u202e <img src=x onerror=alert(1)> \u0627\u0644\u0639"
)
LOCAL = {"original_image_url": "http://127.0.0.1:9/grid.png", "image_urls": ["http://127.0.0.1:9/1.png"] * 4}
#: A page may weigh so much before its pictures, bytes.
HEAVIEST = 100_000
SINKS = {"team": Sink(name="team", handler=Log(NoOptions()), handler_name="log")}


async def furnish(browser: Browser) -> list[str]:
    """Something of every kind, much of it hostile; returns the addresses of all pages."""
    face = browser.face
    await face.post({**GRID, **LOCAL, "prompt": EVIL})
    (grid,) = (await face.get("/jobs"))["items"]
    (dead,) = (await face.get("/deliveries"))["items"]
    await face.api(f"/jobs/{grid['id']}/pick", {"index": 2})
    await face.submit(params={"prompt": EVIL[:2000]}, tags={"<b>": "y" * 400})
    await face.post(b"<script>alert(1)</script> no json", headers={"x-webhook-secret": "hook-secret", "x-evil": "<b>"})
    await face.post(GRID, headers={"x-webhook-secret": "wrong", "x-<script>": "1"})

    def work(tx: Transaction) -> str:
        kept = tx.delivery(ids.read("dlv", dead["id"]) or 0)
        assert kept is not None
        tx.put_delivery(msgspec.structs.replace(kept, state="dead"))
        tx.put_breaker(Breaker(source="journey", code="auth", note=EVIL, since=NOW, probe_at=NOW, failures=1))
        return lose_the_answer(tx, face.setup, "journey", NOW).id

    unsure = await face.store.write(work)
    request = (await face.get("/requests"))["items"][0]["id"]
    return [
        "/",
        f"/jobs/{grid['id']}?tile=3",
        f"/jobs/{unsure}",
        "/jobs",
        f"/jobs?like={grid['id']}",
        "/waiting",
        "/deliveries",
        f"/deliveries/{dead['id']}",
        "/requests",
        f"/requests/{request}",
        f"/requests/reparse?request={request}",
        "/health",
        "/manual",
        "/events/resend?sink=team&type=job.completed",
        "/jobs/job_0000000000000",
    ]


async def sign_in(context: BrowserContext, base: str) -> Page:
    """A page of somebody who has signed in."""
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{base}/login")
    await page.fill("input[name=token]", TOKEN)
    await page.click("button.go")
    await page.wait_for_url(f"{base}/")
    return page


async def faults_of(page: Page, base: str, path: str, script: str | None) -> list[str]:
    """What is wrong with a page as it stands in a browser."""
    watched = WatchedPage(page)
    answer = await page.goto(base + path)
    assert answer is not None
    # Pictures of nowhere do not load, and a page that is not there is one of those that are looked at.
    found = [one for one in watched.complaints if "Failed to load resource" not in one]
    size = len(await answer.body())
    if size > HEAVIEST:
        found.append(f"{size} bytes")
    if not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("wider than the screen")
    if await page.title() == "owned":
        found.append("a script of somebody else's ran")
    if script is not None:
        found += await violations(page, script)
    return found


async def look_at_all(
    browser: Chromium, base: str, paths: list[str], script: str | None, width: int, scheme: str
) -> dict[str, list[str]]:
    """The faults of each page at this width, in this scheme."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page = await sign_in(context, base)
    found = {f"{path[:40]} {width} {scheme}": await faults_of(page, base, path, script) for path in paths}
    await context.close()
    return {path: faults for path, faults in found.items() if faults}


async def states_of(chromium: Chromium, base: str, script: str) -> list[str]:
    """What is wrong with pages that only come of a form: a sign-in or an order that is refused."""
    context = await chromium.new_context(viewport={"width": 360, "height": 800}, color_scheme="light")
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watched = WatchedPage(page)
    await page.goto(f"{base}/login")
    await page.fill("input[name=token]", "no token of this server")
    await page.click("button.go")
    await page.wait_for_selector("[role=alert]")
    found = [f"refused sign-in: {one}" for one in await violations(page, script)]
    await page.fill("input[name=token]", TOKEN)
    await page.click("button.go")
    await page.wait_for_url(f"{base}/")
    await page.goto(f"{base}/jobs")
    await page.fill("textarea[name='p.prompt']", "a lighthouse")
    await page.fill("input[name=tags]", "no tag")
    await page.click("#order button.go")
    await page.wait_for_selector("[role=alert]")
    found += [f"refused order: {one}" for one in await violations(page, script)]
    found += [one for one in watched.complaints if "Failed to load resource" not in one]
    await context.close()
    return found


async def test_no_page_keeps_anybody_out_or_lets_anything_through(tmp_path: Path) -> None:
    script = axe_script()
    async with a_browser(tmp_path, sinks=SINKS) as browser, browser.face.served() as base, launched() as chromium:
        paths = await furnish(browser)
        assert await look_at_all(chromium, base, paths, script, 1440, "light") == {}
        assert await look_at_all(chromium, base, paths, script, 360, "dark") == {}
        assert await states_of(chromium, base, script) == []
        assert await stays_closed(chromium, base) == []


async def stays_closed(chromium: Chromium, base: str) -> list[str]:
    """What gets through that must not: a page in a frame, one from the cache after signing out, another site's form."""
    found: list[str] = []
    context = await chromium.new_context()
    page = await sign_in(context, base)
    await page.set_content(f'<iframe name="inner" src="{base}/waiting"></iframe>')
    await page.wait_for_timeout(0)
    frame = page.frame("inner")
    if frame is not None and "Waiting for you" in await frame.content():
        found.append("a page shows in another one's frame")
    await page.goto(f"{base}/waiting")
    await page.click("text=Sign out >> nth=0")
    await page.wait_for_url(f"{base}/login")
    await page.go_back()
    if "Waiting for you" in await page.content():
        found.append("a page shows after signing out")
    await context.close()
    async with httpx.AsyncClient(base_url=base) as client:
        signed = await client.post("/login", data={"token": TOKEN}, headers={"origin": "https://evil.example"})
        if signed.status_code != 403:
            found.append("another site's form signs in")
    return found
