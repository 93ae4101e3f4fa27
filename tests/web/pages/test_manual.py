"""The manual in the browser."""

from __future__ import annotations

import re
from pathlib import Path

from receiver.manual.topics import topics
from support.browsing import a_browser, words


async def test_every_topic_is_a_page(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        first, *_ = topics()
        assert first.title in words(await browser.see("/manual"))
        for each in topics():
            page = await browser.see(f"/manual/{each.name}")
            assert "<h1 id=" in page
            assert f'href="/manual/{each.name}" aria-current="page"' in page
            # What is wider than the screen is scrolled, by keyboard too.
            assert not re.findall(r"<(?:table|pre><code)>", page)
            assert ".md" not in "".join(part.split('"')[0] for part in page.split('href="')[1:])
        await browser.see("/manual/nonsense", 404)
        await browser.see("/manual/..%2f..%2fpyproject", 404)
