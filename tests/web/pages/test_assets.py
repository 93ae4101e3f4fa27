"""Style and script: kept by browsers under the hash of what they hold, with the licences of what is not ours."""

from __future__ import annotations

import re
from pathlib import Path

from receiver.web.pages.assets import ASSETS, asset_url
from support.browsing import a_browser


async def test_a_named_asset_is_kept_for_ever_and_any_other_is_asked_for_again(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        answer = await browser.client.get(asset_url("app.css"))
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert "immutable" in answer.headers["cache-control"]
        assert (await browser.client.get("/assets/app.css?v=old")).headers["cache-control"] == "no-cache"
        again = await browser.client.get("/assets/app.css", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for path in ("/assets/nothing.css", "/assets/..%2Fassets.py", "/assets/"):
            assert (await browser.client.get(path)).status_code == 404


async def test_what_is_not_ours_comes_with_its_licence(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        for name in ("htmx", "htmx-sse"):
            assert f"{name}.min.js" in ASSETS
            assert "Zero" in (await browser.client.get(f"/assets/{name}.LICENSE")).text


async def test_a_page_names_no_other_host_and_has_nothing_inline(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        for path in ("/", "/waiting", "/deliveries", "/requests", "/login"):
            page = await browser.see(path)
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|hx-on|javascript:", page)
