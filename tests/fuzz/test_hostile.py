"""Some thousand hostile requests against a real server; `fuzz/__init__.py` tells how to send a million."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.running import JUDGED, judged, served

REQUESTS = 3000


@pytest.mark.timeout(120)
async def test_hostile_requests_do_no_harm_and_genuine_ones_among_them_are_kept(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        found = await judged(server, REQUESTS, seed=20_261_121)
    assert found.failures == [], "\n".join(found.failures[:3])
    assert set(found.statuses) >= JUDGED
    assert found.acknowledged > REQUESTS // 8
