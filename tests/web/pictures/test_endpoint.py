from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from handlers.archive import Archive
from handlers.http.foreign import GuardedClient
from handlers.http.transport import HttpTransport
from receiver.contracts import Answer, Sink
from receiver.errors import ForeignRefused, NoAnswer
from receiver.flows.archiving import keep_copies
from receiver.lib.pictures import examine
from receiver.lib.pictures.links import picture_link
from receiver.model.jobs import Image, KeptJob, PictureCopy
from receiver.providers.generic.dialect import Generic
from receiver.providers.generic.options import Options as GenericOptions
from support.face import ADMIN, Face, a_face, with_source
from support.hostile_pictures import png
from support.records import NOW, a_job, four_images

OURS, VENDORS = png(640, 480), png(800, 400)
KEY = "2026/11/job_1/job_1/image-1.png"
LATER_S = NOW // 1000 + 60


class Vendor:
    """What foreign addresses lead to: a `ForeignClient` that says what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.wrong: Exception | None = None
        self.body = VENDORS

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        assert seconds <= 60
        assert max_bytes <= 64 * 1024**2
        self.asked.append(url)
        if self.wrong is not None:
            raise self.wrong
        return Answer(status=200, headers={"content-type": "text/html"}, body=self.body)


def a_copy(**fields: object) -> PictureCopy:
    facts = {"sink": "pictures", "kind": "image", "index": 1, "key": KEY, "sha256": "a" * 64, "type": "image/png"}
    return msgspec.convert({**facts, "bytes": len(OURS), "width": 640, "height": 480, **fields}, PictureCopy)


class Shown:
    """A face with one completed job of four pictures, the first of which is in the archive."""

    def __init__(self, face: Face, kept: KeptJob, vendor: Vendor, folder: Path) -> None:
        self.face = face
        self.vendor = vendor
        self.id = kept.job.id
        self.file = folder / "pictures" / KEY

    async def get(self, path: str, headers: dict[str, str] | None = ADMIN, method: str = "GET") -> httpx.Response:
        return await self.face.client.request(method, path, headers=headers)

    def link(self, index: int = 1, until_s: int = LATER_S) -> str:
        return picture_link(self.face.store.ref_key, self.id, index, until_s)


@asynccontextmanager
async def shown(
    folder: Path, *, admin_port: int | None = None, links: dict[str, float] | None = None
) -> AsyncIterator[Shown]:
    vendor = Vendor()
    archive = Archive(msgspec.convert({"to": "pictures", "public": True}, Archive.Options))
    sinks = {"pictures": Sink(name="pictures", handler=archive)}
    kept = a_job(7, status="completed", images=four_images(), grid_url="https://cdn.example.com/grid.png")
    kept = msgspec.structs.replace(kept, copies=(a_copy(),))
    (folder / "pictures" / KEY).parent.mkdir(parents=True)
    (folder / "pictures" / KEY).write_bytes(OURS)
    async with a_face(folder, sinks=sinks, foreign=vendor, admin_port=admin_port, links=links) as face:
        await face.store.write(lambda tx: tx.add_job(kept))
        yield Shown(face, kept, vendor, folder)


async def test_our_copy_is_shown_and_the_vendor_is_not_asked(tmp_path: Path) -> None:
    async with shown(tmp_path) as one:
        answer = await one.get(f"/pictures/{one.id}/1")
        assert (answer.status_code, answer.content) == (200, OURS)
        assert one.vendor.asked == []
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-length"] == str(len(OURS))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"].startswith("private")
        # A browser that was signed out asks again.
        assert answer.headers["vary"] == "cookie, authorization"
        head = await one.get(f"/pictures/{one.id}/1", method="HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(OURS))


async def test_what_no_archive_keeps_comes_from_the_vendor_once(tmp_path: Path) -> None:
    async with shown(tmp_path) as one:
        for path, url in ((f"/pictures/{one.id}/2", "a_2.png"), (f"/pictures/{one.id}/0", "grid.png")):
            first, second = await one.get(path), await one.get(path)
            assert first.content == second.content == VENDORS
            assert first.headers["content-type"] == "image/png"
            assert one.vendor.asked.pop().endswith(url)
            assert one.vendor.asked == []


@pytest.mark.parametrize("width", [400, 1200])
async def test_a_preview_is_a_smaller_jpeg_and_of_no_other_width(tmp_path: Path, width: int) -> None:
    async with shown(tmp_path) as one:
        answer = await one.get(f"/pictures/{one.id}/2?width={width}")
        facts = examine(answer.content)
        assert (facts.type, facts.width) == ("image/jpeg", min(width, 800))
        assert answer.headers["content-type"] == "image/jpeg"
        for wrong in ("width=401", "width=", "width=400&width=400", "widht=400", "width=-1", "width=0400"):
            assert (await one.get(f"/pictures/{one.id}/2?{wrong}")).status_code == 400, wrong


async def test_who_has_it_is_told_that_it_is_the_same(tmp_path: Path) -> None:
    async with shown(tmp_path) as one:
        for path in (f"/pictures/{one.id}/1?width=400", f"/pictures/{one.id}/2"):
            etag = (await one.get(path)).headers["etag"]
            same = await one.get(path, {**ADMIN, "if-none-match": f'"other", {etag}'})
            assert (same.status_code, same.content) == (304, b"")
            assert same.headers["etag"] == etag


async def test_a_signed_link_opens_exactly_its_picture_until_it_is_over(tmp_path: Path) -> None:
    async with shown(tmp_path) as one:
        nobody: dict[str, str] = {}
        answer = await one.get(one.link(), nobody)
        assert (answer.status_code, answer.content) == (200, OURS)
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        # Nobody on the way keeps it for longer than the link opens it.
        assert answer.headers["cache-control"] == "public, max-age=60"
        long = await one.get(one.link(until_s=NOW // 1000 + 7 * 86_400), nobody)
        assert long.headers["cache-control"] == "public, max-age=3600"
        assert (await one.get(f"{one.link()}&width=400", nobody)).status_code == 200
        assert (await one.get(one.link().replace("/1?", "/2?"), nobody)).status_code == 401
        assert (await one.get(one.link(2).replace(one.id, "job_2"), nobody)).status_code == 401
        assert (await one.get(f"/pictures/{one.id}/1", nobody)).status_code == 401
        over = await one.get(one.link(until_s=NOW // 1000), nobody)
        assert (over.status_code, over.json()["code"]) == (410, "link_over")


async def test_on_the_public_port_only_signed_links_open_anything(tmp_path: Path) -> None:
    async with shown(tmp_path, admin_port=8001) as one:
        assert (await one.get(one.link(), {})).status_code == 200
        assert (await one.get(f"/pictures/{one.id}/1")).status_code == 404
        inside = await one.face.client.get(f"http://gridhook.test:8001/pictures/{one.id}/1", headers=ADMIN)
        assert inside.status_code == 200


@pytest.mark.parametrize("path", ["/9", "/5", "/-1", "/01", "/x", "/1000", "/%F0%9F%92%A9"])
async def test_what_is_not_there_is_404(tmp_path: Path, path: str) -> None:
    async with shown(tmp_path) as one:
        answer = await one.get(f"/pictures/{one.id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_picture")
        assert (await one.get(f"/pictures/job_nothing{path}")).status_code == 404


async def test_what_the_vendor_does_not_have_any_more_is_410(tmp_path: Path) -> None:
    async with shown(tmp_path) as one:
        one.vendor.wrong = ForeignRefused("status", "cdn.example.com: HTTP 404", 404)
        answer = await one.get(f"/pictures/{one.id}/2")
        assert (answer.status_code, answer.json()["code"]) == (410, "gone")
        assert answer.headers["content-type"] == "application/problem+json"
        one.file.unlink()
        assert (await one.get(f"/pictures/{one.id}/1")).status_code == 410


@pytest.mark.parametrize(
    ("wrong", "status"),
    [(NoAnswer("cdn: secret words"), 503), (ForeignRefused("address", "cdn leads to 10.0.0.1, secret words"), 404)],
)
async def test_no_answer_tells_where_the_picture_would_have_been(tmp_path: Path, wrong: Exception, status: int) -> None:
    async with shown(tmp_path) as one:
        one.vendor.wrong = wrong
        answer = await one.get(one.link(2), {})
        assert answer.status_code == status
        assert "secret words" not in answer.text
        assert "10.0.0.1" not in answer.text


async def test_what_is_no_picture_is_never_shown(tmp_path: Path) -> None:
    async with shown(tmp_path) as one:
        one.vendor.body = b"<html><script>alert(1)</script></html>"
        assert (await one.get(f"/pictures/{one.id}/2")).json()["code"] == "not_taken"
        one.file.write_bytes(one.vendor.body)
        assert (await one.get(f"/pictures/{one.id}/1")).status_code == 503


async def test_a_copy_that_is_lost_is_shown_as_the_vendor_has_it(tmp_path: Path) -> None:
    async with shown(tmp_path) as one:
        one.file.unlink()
        assert (await one.get(f"/pictures/{one.id}/1")).content == VENDORS


async def test_the_link_in_the_event_of_an_archived_picture_opens_it(tmp_path: Path) -> None:
    async with shown(tmp_path, links={"pictures": 60.0}) as one:
        setup, key = one.face.setup, one.face.store.ref_key
        copies = (a_copy(), a_copy(index=2))
        await one.face.store.write(lambda tx: keep_copies(tx, setup, key, 7, "pictures", copies, NOW))
        (event,) = (await one.face.get("/events"))["items"]
        assert event["type"] == "job.archived"
        url = urlsplit(event["data"]["images"][0]["archive"]["url"])
        assert url.netloc == "hooks.example.com"
        assert (await one.get(f"{url.path}?{url.query}", {})).content == OURS


async def test_a_picture_that_came_in_base64_is_shown_and_is_in_no_event(tmp_path: Path) -> None:
    vendor = with_source("any", provider=Generic(GenericOptions()), api_key=None)
    async with a_face(tmp_path, sources=(vendor,), foreign=Vendor()) as face:
        body = {"id": "v-1", "status": "completed", "images": [b64encode(OURS).decode()]}
        assert (await face.post(body, "/in/any")).json()["events"] == 1
        (event,) = (await face.get("/events"))["items"]
        assert event["data"]["images"][0]["url"].startswith("urn:sha256:")
        found = await face.client.get(f"/pictures/{event['subject']}/1", headers=ADMIN)
        assert (found.status_code, found.content) == (200, OURS)


async def test_the_api_tells_a_fresh_link_however_old_the_copy_is(tmp_path: Path) -> None:
    async with shown(tmp_path, links={"pictures": 60.0}) as one:
        for job in (await one.face.get(f"/jobs/{one.id}"), (await one.face.get("/jobs"))["items"][0]):
            url = urlsplit(job["images"][0]["archive"]["url"])
            assert url.query.startswith(f"until={LATER_S}&")
            assert (await one.get(f"{url.path}?{url.query}", {})).content == OURS
            assert job["images"][1]["archive"] is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/1.png",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/1.png",
        "http://0x7f.1/1.png",
        "https://user:word@cdn.example.com/1.png",
    ],
)
async def test_a_vendors_address_that_must_not_be_called_is_not(tmp_path: Path, url: str) -> None:
    called: list[httpx.Request] = []

    def answered(request: httpx.Request) -> httpx.Response:
        called.append(request)
        return httpx.Response(200, content=OURS)

    foreign = GuardedClient(HttpTransport(httpx.MockTransport(answered)))
    async with a_face(tmp_path, foreign=foreign) as face:
        kept = a_job(7, status="completed", images=(Image(index=1, url=url),))
        await face.store.write(lambda tx: tx.add_job(kept))
        answer = await face.client.get(f"/pictures/{kept.job.id}/1", headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_taken")
        assert called == []
