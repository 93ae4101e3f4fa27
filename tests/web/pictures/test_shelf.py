from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from receiver.errors import ForeignRefused
from receiver.lib.pictures import examine
from receiver.web.pictures import shelf as shelves
from receiver.web.pictures.shelf import BoundedCache, PictureShelf
from receiver.web.problems import Refusal
from support.hostile_pictures import png
from support.world import Clock

PICTURE = png(64, 48)


def pieces_of(body: bytes, asked: list[str], size: int = 100) -> Callable[[], AsyncIterator[bytes]]:
    async def pieces() -> AsyncIterator[bytes]:
        asked.append("asked")
        for start in range(0, len(body), size):
            yield body[start : start + size]

    return pieces


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_what_is_asked_for_at_once_and_again_is_fetched_once(tmp_path: Path) -> None:
    asked: list[str] = []
    shelf = PictureShelf(tmp_path, Clock())
    ask = partial(shelf.original, "a", pieces_of(PICTURE, asked), 10_000)
    first, second = await asyncio.gather(ask(), ask())
    again = await ask()
    assert asked == ["asked"]
    assert first is second is again
    assert await first.read() == PICTURE
    assert (first.type, first.size) == ("image/png", len(PICTURE))


async def test_nothing_is_left_in_the_folder_nor_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "DISK_COUNT", 2)
    gc.collect()
    before = open_files()
    shelf = PictureShelf(tmp_path, Clock())
    for number in range(5):
        await shelf.original(f"{number}", pieces_of(PICTURE, []), 10_000)
        with pytest.raises(ForeignRefused):
            await shelf.original(f"no {number}", pieces_of(b"<html>", []), 10_000)
    assert os.listdir(tmp_path) == []
    assert open_files() == before + 2


async def test_what_is_none_or_too_long_is_refused_and_not_asked_for_again_for_a_while(tmp_path: Path) -> None:
    clock, asked = Clock(), list[str]()
    shelf = PictureShelf(tmp_path, clock)
    for _ in range(2):
        with pytest.raises(ForeignRefused) as refused:
            await shelf.original("long", pieces_of(PICTURE, asked), len(PICTURE) - 1)
        assert refused.value.code == "too_long"
    assert asked == ["asked"]
    clock.now += shelves.FAILED_MS
    with pytest.raises(ForeignRefused):
        await shelf.original("long", pieces_of(PICTURE, asked), len(PICTURE) - 1)
    assert asked == ["asked", "asked"]


async def test_a_preview_is_made_once(tmp_path: Path) -> None:
    shelf = PictureShelf(tmp_path, Clock())
    original = await shelf.original("a", pieces_of(png(800, 400), []), 10_000_000)
    small = await shelf.preview(original, 400)
    facts = examine(small)
    assert (facts.type, facts.width, facts.height) == ("image/jpeg", 400, 200)
    assert await shelf.preview(original, 400) is small


async def test_more_than_can_wait_are_told_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "WAITING", 2)
    go = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        await go.wait()
        yield PICTURE

    shelf = PictureShelf(tmp_path, Clock())
    waiting = [asyncio.ensure_future(shelf.original(name, slow, 10_000)) for name in ("a", "b")]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refused:
        await shelf.original("c", slow, 10_000)
    assert refused.value.status == 503
    go.set()
    assert [(await one).size for one in waiting] == [len(PICTURE)] * 2


async def test_vendors_that_hang_hold_up_none_of_our_own_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "WAITING", 2)
    monkeypatch.setattr(shelves, "FETCHES", 1)
    go = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        await go.wait()
        yield PICTURE

    shelf = PictureShelf(tmp_path, Clock())
    waiting = [asyncio.ensure_future(shelf.original(name, slow, 10_000, from_vendor=True)) for name in ("a", "b")]
    await asyncio.sleep(0)
    with pytest.raises(Refusal):
        await shelf.original("c", slow, 10_000, from_vendor=True)
    async with asyncio.timeout(60):
        ours = await shelf.original("ours", pieces_of(PICTURE, []), 10_000)
        assert examine(await shelf.preview(ours, 400)).type == "image/jpeg"
    go.set()
    assert [(await one).size for one in waiting] == [len(PICTURE)] * 2


def test_who_was_longest_not_asked_for_goes_first() -> None:
    clock = Clock()
    kept: BoundedCache[str] = BoundedCache(10, 3, 1000, clock)
    for name in "abc":
        kept.put(name, name, 1)
    assert kept.get("a") == "a"
    kept.put("d", "d", 1)
    assert [kept.get(name) for name in "abcd"] == ["a", None, "c", "d"]
    kept.put("e", "e", 9)
    assert [kept.get(name) for name in "acde"] == [None, None, "d", "e"]
    clock.now += 1000
    assert kept.get("e") is None
