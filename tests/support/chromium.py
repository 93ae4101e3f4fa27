"""The system's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NoReturn

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


class WatchedPage:
    """A page of a real browser, and what its console complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda wrong: self.complaints.append(str(wrong)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@asynccontextmanager
async def chromium(width: int = 1280, *, script: bool = True) -> AsyncIterator[WatchedPage]:
    """A fresh page. Where there is no Chromium the test is skipped, but with CI=true it fails."""
    async with launched() as browser:
        context = await browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=script, color_scheme="light"
        )
        yield WatchedPage(await context.new_page())


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A running browser. Where there is no Chromium the test is skipped, but with CI=true it fails."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _missing()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


def _missing() -> NoReturn:
    told = "there is no Chromium on this machine (Debian: apt-get install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)
