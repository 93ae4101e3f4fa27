from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import pytest

from handlers.archive import Archive
from handlers.archive.names import picture_name
from receiver.contracts import Database, Transaction
from receiver.contracts.setup import Setup
from receiver.flows.inline_pictures import without_inline
from receiver.lib import ids
from receiver.model.jobs import Image, PictureCopy, Report
from receiver.workers.retention.pictures import DeletedPictures, PicturePruner
from support.hostile_pictures import png
from support.inline import data_url
from support.records import NOW, a_job, a_report, a_source, four_images
from support.stores import a_store
from support.world import Clock

DAY: Final = 86_400_000
SETUP: Final = Setup(sources={"journey": a_source()}, archives=("pictures", "second"))
PICTURE: Final = png(8, 8)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with a_store(tmp_path / "a.db", Clock()) as opened:
        yield opened


def without_inline_of(number: int, told: Report, tx: Transaction) -> Report:
    return without_inline(tx, number, told)


class Kept:
    """Jobs of any age with a copy in each of two archives."""

    def __init__(self, folder: Path, store: Database) -> None:
        self.folder = folder
        self.store = store
        self.archives = {
            name: Archive(msgspec.convert({"to": name}, Archive.Options)) for name in ("pictures", "second")
        }

    async def job(self, days: int, *, is_kept: bool = True) -> int:
        number = ids.first_at(NOW - days * DAY)
        kept = a_job(number, status="completed", intent=f"{number}", images=four_images())
        name = picture_name(kept.job, "image", 1)
        for sink in self.archives:
            (self.folder / sink / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / sink / f"{name}.png").write_bytes(PICTURE)
            (self.folder / sink / f"{name}.json").write_text("{}")
        copies = tuple(
            PictureCopy(
                sink=sink, kind="image", index=1, key=f"{name}.png", sha256="aa", type="image/png", bytes=1,
                width=8, height=8,
            )
            for sink in self.archives
        )  # fmt: skip
        if is_kept:
            await self.store.write(lambda tx: tx.add_job(msgspec.structs.replace(kept, copies=copies)))
        return number

    def pruner(self, days: int, *sinks: str) -> PicturePruner:
        keepers = {name: self.archives[name] for name in sinks or self.archives}
        return PicturePruner(self.store, SETUP, keepers, self.folder, days * 86_400.0, Clock(now=NOW))

    def files(self, sink: str = "pictures") -> list[str]:
        return sorted(str(one.relative_to(self.folder / sink)) for one in (self.folder / sink).rglob("*.*"))


async def test_copies_of_old_jobs_go_and_the_job_says_so(tmp_path: Path, store: Database) -> None:
    kept = Kept(tmp_path, store)
    old, young = await kept.job(40), await kept.job(20)
    assert await kept.pruner(30).tidy() == DeletedPictures(files=4, jobs=1)
    before = await store.read(lambda tx: tx.job(young))
    after = await store.read(lambda tx: tx.job(old))
    assert before is not None
    assert len(before.copies) == 2
    assert before.job.warning is None
    assert after is not None
    assert after.copies == ()
    assert after.job.images[0].archive is None
    assert after.job.warning == "pictures_deleted"
    assert [one.split("/")[3] for one in kept.files()] == [ids.show("job", young)] * 2
    assert await kept.pruner(30).tidy() == DeletedPictures()


async def test_copies_of_a_family_with_an_open_question_stay(tmp_path: Path, store: Database) -> None:
    kept = Kept(tmp_path, store)
    old = await kept.job(40)
    told = a_report(images=(Image(index=1, url=data_url(png(8, 9))),))
    await store.write(partial(without_inline_of, old, told))
    question = a_job(ids.first_at(NOW - 39 * DAY), status="held", intent="question")
    asked = question.with_job(root_id=ids.show("job", old), parent_id=ids.show("job", old))
    await store.write(lambda tx: tx.add_job(asked))
    assert await kept.pruner(30).tidy() == DeletedPictures()
    assert len(kept.files()) == 2
    await store.write(lambda tx: tx.put_job(asked.with_job(status="canceled")))
    assert await kept.pruner(30).tidy() == DeletedPictures(files=4, jobs=1)


async def test_as_long_as_another_archive_has_a_copy_it_is_shown(tmp_path: Path, store: Database) -> None:
    kept = Kept(tmp_path, store)
    old = await kept.job(40)
    assert await kept.pruner(30, "pictures").tidy() == DeletedPictures(files=2, jobs=1)
    after = await store.read(lambda tx: tx.job(old))
    assert after is not None
    assert [one.sink for one in after.copies] == ["second"]
    assert after.job.images[0].archive is not None
    assert after.job.warning is None


async def test_copies_of_jobs_that_were_pruned_go_too(tmp_path: Path, store: Database) -> None:
    kept = Kept(tmp_path, store)
    await kept.job(400, is_kept=False)
    assert await kept.pruner(30).tidy() == DeletedPictures(files=4, jobs=0)
    assert kept.files() == []


@pytest.mark.parametrize("name", ["notes.txt", "2020/01/mine.png", "2020/01/job_1/job_1/image-1.png.bak", "1999"])
async def test_nothing_else_in_the_folder_is_touched(tmp_path: Path, store: Database, name: str) -> None:
    kept = Kept(tmp_path, store)
    file = tmp_path / "pictures" / name
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    await kept.pruner(1).tidy()
    assert file.read_text() == "mine"


async def test_what_a_vendor_sent_goes_from_the_database(tmp_path: Path, store: Database) -> None:
    old, young = ids.first_at(NOW - 40 * DAY), ids.first_at(NOW - 20 * DAY)
    for number in (old, young):
        told = a_report(images=(Image(index=1, url=data_url(png(8, number % 50 + 8))),))
        await store.write(partial(without_inline_of, number, told))
    assert (await Kept(tmp_path, store).pruner(30).tidy()).jobs == 1
    left = await store.read(lambda tx: tx.old_inline_pictures(2**62, 10))
    assert left == [young]
