from __future__ import annotations

from pathlib import Path

import pytest

from receiver.contracts import Answer, ForeignClient
from receiver.errors import ForeignRefused
from receiver.model.inline_pictures import inline_address, inline_sha256
from receiver.workers.picture_client import PictureClient
from support.hostile_pictures import png
from support.stores import a_store
from support.world import Clock

PICTURE = png(8, 8)


class Foreign:
    """Says that it was made, and what it was asked for."""

    def __init__(self, said: list[str]) -> None:
        self.said = said
        said.append("made")

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        self.said.append(url)
        return Answer(status=200, body=b"theirs")


async def test_the_vendors_client_is_made_when_it_is_needed_and_once(tmp_path: Path) -> None:
    said: list[str] = []

    def make() -> ForeignClient:
        return Foreign(said)

    async with a_store(tmp_path / "a.db", Clock()) as store:
        client = PictureClient(make, store)
        assert said == []
        for _ in range(2):
            assert (await client.fetch("https://cdn.example.com/1.png", 1, 100)).body == b"theirs"
        assert said == ["made", *["https://cdn.example.com/1.png"] * 2]


async def test_what_was_sent_comes_from_the_database_and_from_nowhere_else(tmp_path: Path) -> None:
    def make() -> ForeignClient:
        raise AssertionError("nobody is asked")

    async with a_store(tmp_path / "a.db", Clock()) as store:
        client, url = PictureClient(make, store), inline_address(PICTURE)
        with pytest.raises(ForeignRefused) as gone:
            await client.fetch(url, 1, 10_000)
        assert gone.value.status == 410
        await store.write(lambda tx: tx.add_inline_picture(7, inline_sha256(url) or b"", PICTURE))
        assert (await client.fetch(url, 1, 10_000)).body == PICTURE
        with pytest.raises(ForeignRefused) as long:
            await client.fetch(url, 1, len(PICTURE) - 1)
        assert long.value.code == "too_long"
