from __future__ import annotations

import io

import pytest
from PIL import Image

from receiver.pretend import pictures

SEEDS = ("a:1", "a:2", "a:3", "a:4")


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_the_same_seed_is_the_same_picture() -> None:
    first = pictures.single("a:1", "a cat")
    pictures.single.cache_clear()
    assert pictures.single("a:1", "a cat") == first


def test_another_seed_is_another_picture() -> None:
    assert pictures.single("a:1", "") != pictures.single("a:2", "")


def test_a_grid_shows_its_tiles_in_reading_order() -> None:
    grid = opened(pictures.grid(SEEDS, ""))
    for place, seed in enumerate(SEEDS):
        down, right = divmod(place, 2)
        corner = (pictures.GAP + right * (256 + pictures.GAP), pictures.GAP + down * (256 + pictures.GAP))
        tile = grid.crop((*corner, corner[0] + 256, corner[1] + 256))
        assert tile.tobytes() == opened(pictures.single(seed, "")).tobytes()


def test_an_upscaled_picture_is_twice_as_wide() -> None:
    assert opened(pictures.single("a:1", "", 512)).size == (512, 512)


@pytest.mark.parametrize("caption", ["", "  \n ", "猫猫 🐈", "x" * 10_000, "<b>&", "\x00\x07"])
def test_any_words_can_be_drawn(caption: str) -> None:
    assert opened(pictures.grid(SEEDS, caption)).format == "PNG"


def test_the_words_change_the_picture() -> None:
    assert pictures.single("a:1", "a cat") != pictures.single("a:1", "a dog")
