from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from handlers.archive import Archive
from handlers.http.transport import HttpTransport
from receiver.contracts import Database, DeliveryContext, Filters, Sink
from receiver.contracts.setup import Setup
from receiver.lib import ids
from receiver.lib.ids import Ids
from receiver.lib.times import stamp
from receiver.model.jobs import Then
from receiver.model.rules import Rule
from receiver.workers.missing_copies import CopiedJob, copy_missing, missing_jobs
from support.delivering import Bound
from support.hostile_pictures import png
from support.records import NOW, a_job, a_source, four_images
from support.stores import a_store
from support.world import Clock

UPSCALE: Final = Rule(
    name="hd", when={"type": "job.archived"}, to=("team",), then=(Then(action="upscale", params={"kind": "2x"}),)
)
SETUP: Final = Setup(
    sources={"journey": a_source()}, rules=(UPSCALE,), sinks=frozenset({"team"}), archives=("pictures",)
)
HOUR: Final = 3_600_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with a_store(tmp_path / "a.db", Clock()) as opened:
        yield opened


def a_vendor(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404) if request.url.path == "/a_3.png" else httpx.Response(200, content=png(8, 8))


async def keep(store: Database, hours: int, **fields: Any) -> int:
    """A completed job that was sent so long ago."""
    number = ids.first_at(NOW - hours * HOUR)
    sent = stamp(NOW - hours * HOUR)
    kept = a_job(number, status="completed", intent=f"{number}", action="pick", submitted_at=sent, **fields)
    await store.write(lambda tx: tx.add_job(kept))
    return number


def an_archive(folder: Path) -> tuple[Sink, DeliveryContext]:
    handler = Archive(msgspec.convert({"to": "pictures"}, Archive.Options))
    transport = HttpTransport(httpx.MockTransport(a_vendor))
    return Sink(name="pictures", handler=handler), Bound(handler, transport, NOW, folder=folder).context


async def test_what_the_vendor_drops_first_comes_first_and_what_is_complete_not_at_all(store: Database) -> None:
    later = await keep(store, 2, images=four_images())
    sooner = await keep(store, 20, images=four_images())
    await keep(store, 3)
    assert await missing_jobs(store, SETUP, "pictures") == [sooner, later]


async def test_it_is_copied_and_noted_and_nobody_is_told_or_billed(tmp_path: Path, store: Database) -> None:
    number = await keep(store, 2, images=four_images()[:2])
    sink, context = an_archive(tmp_path)
    copied = await copy_missing(store, SETUP, sink, context, number, Ids(Clock()))
    assert copied == CopiedJob(job_id=ids.show("job", number), copied=2)
    kept = await store.read(lambda tx: tx.job(number))
    assert kept is not None
    assert all(image.archive is not None for image in kept.job.images)
    assert await missing_jobs(store, SETUP, "pictures") == []
    assert len(await store.read(lambda tx: tx.events(Filters(type="job.archived")))) == 1
    assert await store.read(lambda tx: tx.deliveries(Filters())) == []
    assert len(await store.read(lambda tx: tx.jobs(Filters()))) == 1


async def test_what_cannot_be_had_is_told_with_its_reason(tmp_path: Path, store: Database) -> None:
    number = await keep(store, 2, images=four_images())
    sink, context = an_archive(tmp_path)
    told = await copy_missing(store, SETUP, sink, context, number, Ids(Clock()))
    assert told.may_come
    assert "image 3: cdn.example.com: HTTP 404" in (told.reason or "")
