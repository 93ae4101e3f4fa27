"""axe-core, which finds what keeps people out of a page: out of its npm package, in a real browser."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page

from support.openapi_tools import INSTALLING, run

ROOT: Final = Path(__file__).parent.parent.parent
FOLDER: Final = ROOT / ".axe"
VERSION: Final = "4.10.3"
#: What nobody may be kept out by.
SERIOUS: Final = ("serious", "critical")
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_script() -> str:
    """The script. Where there is no npm the test is skipped, but with CI=true it fails."""
    npm = shutil.which("npm")
    if npm is None:
        told = "there is no npm on this machine: axe-core cannot be had"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            wanted = ("install", "--no-audit", "--no-fund", "--ignore-scripts", f"axe-core@{VERSION}")
            run(npm, *wanted, folder=FOLDER, seconds=INSTALLING)
    return file.read_text("utf-8")


async def violations(page: Page, script: str) -> list[str]:
    """What is seriously wrong with a page, in words."""
    await page.evaluate(script)
    options = json.dumps({"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]})
    found: dict[str, Any] = await page.evaluate(f"axe.run(document, {options})")
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]
