from __future__ import annotations

import io

import pytest
from PIL import Image

from receiver.errors import ForeignRefused
from receiver.lib.pictures import HEAD, PictureFacts, beside_the_loop, examine, picture_type, shrink, split
from support.hostile_pictures import BODIES

#: Format, type, ending, and how far a tile may be from the grid's pixels.
FORMATS = [
    ("PNG", "image/png", "png", 0),
    ("JPEG", "image/jpeg", "jpg", 3),
    ("WEBP", "image/webp", "webp", 0),
    ("AVIF", "image/avif", "avif", 24),
    ("GIF", "image/gif", "gif", 0),
]


def picture(form: str, width: int = 64, height: int = 48) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, form)
    return file.getvalue()


def pixels(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body)).convert("RGB")


@pytest.mark.parametrize(("form", "kind", "extension"), [one[:3] for one in FORMATS])
def test_what_a_picture_is_is_read_from_its_bytes(form: str, kind: str, extension: str) -> None:
    assert examine(picture(form)) == PictureFacts(type=kind, extension=extension, width=64, height=48)


@pytest.mark.parametrize("name", BODIES)
def test_what_is_none_is_refused_with_the_reason(name: str) -> None:
    body, code = BODIES[name]
    with pytest.raises(ForeignRefused) as refused:
        examine(body)
    assert refused.value.code == code


@pytest.mark.parametrize("form", [one[0] for one in FORMATS])
def test_a_picture_that_is_cut_off_anywhere_is_refused(form: str) -> None:
    body = picture(form)
    for end in range(0, len(body) - 40, 61):
        with pytest.raises(ForeignRefused):
            examine(body[:end])


@pytest.mark.parametrize("form", [one[0] for one in FORMATS])
def test_the_bound_of_pixels_is_exact(form: str) -> None:
    assert examine(picture(form), 64 * 48).width == 64
    with pytest.raises(ForeignRefused, match="64 x 48"):
        examine(picture(form), 64 * 48 - 1)


@pytest.mark.parametrize(("form", "kind", "far"), [(form, kind, far) for form, kind, _, far in FORMATS])
@pytest.mark.parametrize("size", [(64, 48), (33, 17)])
def test_a_grid_is_split_into_its_four_tiles(form: str, kind: str, far: int, size: tuple[int, int]) -> None:
    grid = picture(form, *size)
    whole = pixels(grid)
    together = Image.new("RGB", size)
    tiles = split(grid)
    middle = (size[0] // 2, size[1] // 2)
    for tile, place in zip(tiles, [(0, 0), (middle[0], 0), (0, middle[1]), middle], strict=True):
        assert examine(tile).type == kind
        together.paste(pixels(tile), place)
    assert together.size == whole.size
    pairs = zip(together.tobytes(), whole.tobytes(), strict=True)
    assert max(abs(ours - theirs) for ours, theirs in pairs) <= far


@pytest.mark.parametrize("form", [one[0] for one in FORMATS])
def test_a_preview_is_a_jpeg_no_wider_than_asked_nor_than_the_picture(form: str) -> None:
    facts = examine(shrink(picture(form), 32))
    assert (facts.type, facts.width, facts.height) == ("image/jpeg", 32, 24)
    assert examine(shrink(picture(form), 1200)).width == 64


def test_a_strip_that_no_jpeg_could_hold_is_made_smaller() -> None:
    facts = examine(shrink(picture("PNG", 3, 70_000), 800))
    assert (facts.type, facts.width, facts.height) == ("image/jpeg", 1, 16_384)
    assert examine(shrink(picture("PNG", 70_000, 3), 800)).width == 800


def test_what_is_transparent_is_white_in_a_preview() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(file, "PNG")
    assert pixels(shrink(file.getvalue(), 8)).getpixel((4, 4)) == (255, 255, 255)


async def test_the_work_is_done_beside_the_loop() -> None:
    assert (await beside_the_loop(lambda: examine(picture("PNG")))).width == 64


@pytest.mark.parametrize(("form", "kind"), [one[:2] for one in FORMATS])
def test_the_type_is_told_by_the_first_bytes(form: str, kind: str) -> None:
    assert picture_type(picture(form)[:HEAD]) == kind
    assert picture_type(picture(form)[1:][:HEAD]) is None
