"""The page at `/`."""

from __future__ import annotations

from pathlib import Path

from support.face import a_face


async def test_the_home_page_is_honest_and_harmless(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get("/")
        assert answer.status_code == 200
        assert "gridhook is running" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
