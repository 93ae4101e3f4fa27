from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from handlers.archive import Archive
from handlers.http.transport import HttpTransport
from receiver.errors import OptionError
from receiver.lib.pictures import examine
from receiver.model.deliveries import Again, Dead, Delivered, OutgoingEvent
from receiver.model.events import Event
from receiver.model.jobs import Image, Job
from support.delivering import Bound
from support.hostile_pictures import png
from support.records import AT, NOW, a_job, four_images

#: The number of a job that began at NOW.
NUMBER = (NOW - 1_577_836_800_000) << 22
GRID = png(64, 48)


class Cdn:
    """A vendor's pictures, by path; `calls` are the paths that were asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers: dict[str, Callable[[], httpx.Response]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url.path)
        answer = self.answers.get(request.url.path)
        return answer() if answer else httpx.Response(200, content=GRID)


@pytest.fixture
def cdn() -> Cdn:
    return Cdn()


def a_completed(**fields: object) -> Job:
    kept = a_job(NUMBER, status="completed", prompt="a garden")
    return msgspec.structs.replace(kept.job, **fields)


def sent(job: Job) -> OutgoingEvent:
    event = Event(id="evt_1", source="gridhook/journey", type="job.completed", subject=job.id, time=AT, data=job)
    return OutgoingEvent(delivery_id="dlv_1", attempt=1, event=event, body=msgspec.json.encode(event))


def archive(folder: Path, cdn: Cdn, **options: object) -> Bound:
    made = Archive(msgspec.convert({"to": "pictures", **options}, Archive.Options))
    return Bound(made, HttpTransport(httpx.MockTransport(cdn)), NOW, folder=folder)


def files(folder: Path) -> list[str]:
    root = folder / "pictures"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*-*") if path.is_file())


async def test_each_picture_is_kept_with_a_sidecar(tmp_path: Path, cdn: Cdn) -> None:
    job = a_completed(images=four_images())
    outcome = await archive(tmp_path, cdn).deliver(sent(job))
    assert isinstance(outcome, Delivered)
    assert [(copy.kind, copy.index) for copy in outcome.copies] == [("image", index) for index in (1, 2, 3, 4)]
    copy = outcome.copies[1]
    assert copy.key == f"2026/11/{job.id}/{job.id}/image-2.png"
    assert copy.sha256 == hashlib.sha256(GRID).hexdigest()
    assert (copy.sink, copy.type, copy.bytes, copy.width, copy.height) == ("pictures", "image/png", len(GRID), 64, 48)
    assert (tmp_path / "pictures" / copy.key).read_bytes() == GRID
    sidecar = json.loads((tmp_path / "pictures" / f"{copy.key.removesuffix('.png')}.json").read_text())
    assert sidecar["job"]["prompt"] == "a garden"
    assert sidecar["picture"]["sha256"] == copy.sha256


async def test_what_is_kept_is_not_fetched_again_though_its_address_is_signed_anew(tmp_path: Path, cdn: Cdn) -> None:
    first = await archive(tmp_path, cdn).deliver(sent(a_completed(images=(Image(index=1, url="http://c.test/a?s=1"),))))
    again = await archive(tmp_path, cdn).deliver(sent(a_completed(images=(Image(index=1, url="http://c.test/a?s=2"),))))
    assert first == again
    assert cdn.calls == ["/a"]


@pytest.mark.parametrize("damage", ["gone", "cut", "sidecar"])
async def test_a_copy_that_is_not_whole_is_made_again(tmp_path: Path, cdn: Cdn, damage: str) -> None:
    job = a_completed(images=(Image(index=1, url="http://c.test/a"),))
    first = await archive(tmp_path, cdn).deliver(sent(job))
    assert isinstance(first, Delivered)
    file = tmp_path / "pictures" / first.copies[0].key
    match damage:
        case "gone":
            file.unlink()
        case "cut":
            file.write_bytes(GRID[:-1])
        case "sidecar":
            file.with_suffix(".json").write_text("{")
    assert await archive(tmp_path, cdn).deliver(sent(job)) == first
    assert file.read_bytes() == GRID


@pytest.mark.parametrize("key", ["../secret.png", "/etc/hostname", "2026/11/job_1/job_1/image-1.png"])
async def test_a_sidecar_that_names_another_file_makes_that_no_copy(tmp_path: Path, cdn: Cdn, key: str) -> None:
    job = a_completed(images=(Image(index=1, url="http://c.test/a"),))
    first = await archive(tmp_path, cdn).deliver(sent(job))
    assert isinstance(first, Delivered)
    root = tmp_path / "pictures"
    sidecar = (root / first.copies[0].key).with_suffix(".json")
    told = json.loads(sidecar.read_text())
    if not key.startswith("/"):
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(b"secret")
    told["picture"] |= {"key": key, "bytes": (root / key).stat().st_size}
    sidecar.write_text(json.dumps(told))
    assert await archive(tmp_path, cdn).deliver(sent(job)) == first


async def test_a_grid_that_comes_alone_is_kept_as_it_is_with_its_tiles_beside_it(tmp_path: Path, cdn: Cdn) -> None:
    job = a_completed(grid_url="http://c.test/grid.png")
    outcome = await archive(tmp_path, cdn).deliver(sent(job))
    assert isinstance(outcome, Delivered)
    kinds = [(copy.kind, copy.index) for copy in outcome.copies]
    assert kinds == [("grid", 0), ("tile", 1), ("tile", 2), ("tile", 3), ("tile", 4)]
    bodies = [(tmp_path / "pictures" / copy.key).read_bytes() for copy in outcome.copies]
    assert bodies[0] == GRID
    assert {(examine(body).width, examine(body).height) for body in bodies[1:]} == {(32, 24)}
    assert await archive(tmp_path, cdn).deliver(sent(job)) == outcome
    assert cdn.calls == ["/grid.png"]


async def test_tiles_are_not_cut_where_they_come_are_not_wanted_or_make_no_sense(tmp_path: Path, cdn: Cdn) -> None:
    jobs = [
        (a_completed(grid_url="http://c.test/g", images=four_images()), {}),
        (a_completed(grid_url="http://c.test/g"), {"tiles": False}),
        (a_completed(grid_url="http://c.test/g", action="upscale"), {}),
    ]
    for place, (job, options) in enumerate(jobs):
        outcome = await archive(tmp_path / str(place), cdn, **options).deliver(sent(job))
        assert isinstance(outcome, Delivered)
        assert "tile" not in {copy.kind for copy in outcome.copies}


async def test_what_can_never_be_kept_is_dead_with_the_reason_and_the_rest_is_kept(tmp_path: Path, cdn: Cdn) -> None:
    cdn.answers["/a_2.png"] = lambda: httpx.Response(200, content=b"<!doctype html>Sign in")
    outcome = await archive(tmp_path, cdn).deliver(sent(a_completed(images=four_images())))
    assert isinstance(outcome, Dead)
    assert outcome.note == "image 2: it is no picture but a page of HTML"
    assert [copy.index for copy in outcome.copies] == [1, 3, 4]


@pytest.mark.parametrize("status", [403, 404, 429, 503])
async def test_what_may_come_later_is_tried_again_and_what_is_kept_stays(tmp_path: Path, cdn: Cdn, status: int) -> None:
    cdn.answers["/a_2.png"] = lambda: httpx.Response(status)
    job = a_completed(images=four_images())
    outcome = await archive(tmp_path, cdn).deliver(sent(job))
    assert isinstance(outcome, Again)
    assert str(status) in outcome.note
    assert outcome.blameless
    cdn.answers.clear()
    cdn.calls.clear()
    assert isinstance(await archive(tmp_path, cdn).deliver(sent(job)), Delivered)
    assert cdn.calls == ["/a_2.png"]


async def test_a_disk_that_takes_nothing_is_tried_again(tmp_path: Path, cdn: Cdn) -> None:
    (tmp_path / "pictures").write_text("a file is in the way")
    outcome = await archive(tmp_path, cdn).deliver(sent(a_completed(images=four_images())))
    assert isinstance(outcome, Again)
    assert not outcome.blameless


async def test_a_picture_beyond_max_bytes_is_refused(tmp_path: Path, cdn: Cdn) -> None:
    cdn.answers["/a"] = lambda: httpx.Response(200, content=GRID + b"\0" * 65_536)
    made = archive(tmp_path, cdn, max_bytes=65_536)
    outcome = await made.deliver(sent(a_completed(images=(Image(index=1, url="http://c.test/a"),))))
    assert isinstance(outcome, Dead)
    assert "longer than 65536 bytes" in outcome.note


async def test_a_job_that_is_not_over_or_has_no_picture_leaves_nothing(tmp_path: Path, cdn: Cdn) -> None:
    running = a_job(NUMBER, status="running", images=four_images()).job
    for job in (running, a_completed()):
        assert isinstance(await archive(tmp_path, cdn).deliver(sent(job)), Delivered)
    assert not (tmp_path / "pictures").exists()
    assert cdn.calls == []


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"to": "pictures", "region": "eu-central-1"}, "region"),
        ({"to": "s3://bucket", "endpoint": "http://minio:9000"}, "endpoint"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(options: dict[str, object], key: str) -> None:
    with pytest.raises(OptionError) as refused:
        Archive(msgspec.convert(options, Archive.Options))
    assert refused.value.key == key
