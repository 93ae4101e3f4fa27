from __future__ import annotations

import httpx
import pytest

from receiver.pretend.s3.face import PretendS3
from support.hostile_pictures import png
from support.world import Clock


def opened(s3: PretendS3) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(s3.app), base_url="http://s3.test")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/pictures", "/pictures/a.png", "/other/a.png"])
async def test_what_is_not_signed_is_refused_and_does_nothing(method: str, path: str) -> None:
    s3 = PretendS3(Clock(), secret="hush")
    s3.bucket.put("a.png", b"x", "image/png", 0)
    async with opened(s3) as client:
        answer = await client.request(method, path, content=b"y")
    assert answer.status_code == 403
    assert [one.body for one in s3.bucket.files.values()] == [b"x"]


async def test_a_browser_sees_the_bucket_and_foreign_names_are_text() -> None:
    s3 = PretendS3(Clock(), secret="hush")
    body = png(8, 8)
    s3.bucket.put("a b&.png", body, "image/png", 1)
    s3.bucket.put("<script>alert(1)</script>", b"<script>", "<b>", 2)
    async with opened(s3) as client:
        page = (await client.get("/")).text
        assert "<script>" not in page
        assert "2 objects" in page
        assert '<img src="/_show?key=a%20b%26.png" alt="">' in page
        shown = await client.get("/_show", params={"key": "a b&.png"})
        assert (shown.headers["content-type"], shown.content) == ("image/png", body)
        assert (await client.get("/_show", params={"key": "<script>alert(1)</script>"})).status_code == 404
