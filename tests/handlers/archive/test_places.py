from __future__ import annotations

import os
from pathlib import Path

import pytest

from handlers.archive.places import FORGOTTEN_S, UNFINISHED, FolderPlace

KEY = "2026/11/job_1/job_2/image-1.png"


async def test_what_is_written_is_read_and_deleted_with_its_empty_folders(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "pictures")
    assert (await place.read(KEY), await place.size(KEY)) == (None, None)
    await place.write(KEY, b"picture", "image/png")
    assert (await place.read(KEY), await place.size(KEY)) == (b"picture", 7)
    await place.write("2026/11/job_1/other.png", b"", "image/png")
    await place.delete(KEY)
    await place.delete(KEY)
    assert await place.read(KEY) is None
    assert sorted(path.name for path in (tmp_path / "pictures/2026/11/job_1").iterdir()) == ["other.png"]


async def test_a_write_that_fails_leaves_nothing_under_any_name(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        await place.write("taken", b"x", "image/png")
    assert list((tmp_path / UNFINISHED).iterdir()) == []


async def test_what_a_crash_left_goes_after_a_day(tmp_path: Path) -> None:
    unfinished = tmp_path / UNFINISHED
    unfinished.mkdir()
    for name, age in (("old", FORGOTTEN_S + 60), ("new", 0)):
        (unfinished / name).write_bytes(b"half")
        moment = os.stat(unfinished / name).st_mtime - age
        os.utime(unfinished / name, (moment, moment))
    await FolderPlace(tmp_path).write("a.png", b"x", "image/png")
    assert [path.name for path in unfinished.iterdir()] == ["new"]


async def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    await place.write("a.png", b"first", "image/png")
    kept_open = (tmp_path / "a.png").open("rb")
    await place.write("a.png", b"second", "image/png")
    with kept_open:
        assert kept_open.read() == b"first"
    assert await place.read("a.png") == b"second"
