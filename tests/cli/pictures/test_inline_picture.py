"""Which picture a terminal is shown: ours where there is one, so that it outlives the vendor's address."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from handlers.archive import Archive
from receiver.cli.pictures.inline_picture import picture_of
from receiver.config import Config, ServerSettings
from receiver.contracts import Sink
from receiver.errors import NotSent
from receiver.model.jobs import ArchivedCopy, Image, Job
from support.records import a_job

KEPT = ArchivedCopy(sink="pictures", key="2026/1.png", sha256="", type="image/png", bytes=4, width=1, height=1)


def config(folder: Path) -> Config:
    archive = Sink(name="pictures", handler=Archive(Archive.Options(to="kept")))
    return Config(
        file="gridhook.toml",
        folder=folder,
        public_url="https://hooks.example.com",
        database="",
        server=ServerSettings(),
        sinks={"pictures": archive},
    )


def job(grid: str | None = None, copy: ArchivedCopy | None = KEPT) -> Job:
    image = Image(index=1, url="https://cdn.example.com/1.png", archive=copy)
    return msgspec.structs.replace(a_job(status="completed").job, grid_url=grid, images=(image,))


async def at_vendor(_config: Config, url: str) -> bytes:
    return f"vendor {url}".encode()


async def gone(_config: Config, _url: str) -> bytes:
    raise NotSent("the vendor has it no more")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with a kept picture."""
    file = tmp_path / "kept" / KEPT.key
    file.parent.mkdir(parents=True)
    file.write_bytes(b"ours")
    return tmp_path


async def test_our_copy_is_shown_and_the_vendor_is_left_alone(folder: Path) -> None:
    assert await picture_of(job(), config(folder), gone) == b"ours"


async def test_what_is_not_kept_or_cannot_be_read_comes_from_the_vendor(folder: Path) -> None:
    elsewhere = msgspec.structs.replace(KEPT, sink="gone")
    missing = msgspec.structs.replace(KEPT, key="2026/2.png")
    for copy in (None, elsewhere, missing):
        assert await picture_of(job(copy=copy), config(folder), at_vendor) == b"vendor https://cdn.example.com/1.png"


async def test_of_a_grid_that_is_gone_a_kept_tile_is_shown(folder: Path) -> None:
    grid = "https://cdn.example.com/grid.png"
    assert await picture_of(job(grid), config(folder), at_vendor) == f"vendor {grid}".encode()
    assert await picture_of(job(grid), config(folder), gone) == b"ours"
    with pytest.raises(NotSent):
        await picture_of(job(grid, copy=None), config(folder), gone)
