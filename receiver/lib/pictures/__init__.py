"""What is in the bytes of a foreign picture: found out within bounds, before a pixel is decoded.

All of it runs in one thread of its own, one picture at a time, so that what is decoded takes the memory of one picture.
"""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from receiver.errors import ForeignRefused
from receiver.lib.pictures.stowaways import stowaway

if TYPE_CHECKING:
    from PIL.Image import Image as Raster

T = TypeVar("T")

#: Pixels that a picture may have: 8,000 times 8,000.
MAX_PIXELS: Final = 64_000_000
#: The formats that are taken, by their name in the library: the type, and how a file of it ends. No other decoder is
#: started: some of them run programs.
FORMATS: Final = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
    "AVIF": ("image/avif", "avif"),
    "GIF": ("image/gif", "gif"),
}
#: What files of these formats begin with; WebP and AVIF say it further on.
BEGINNINGS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
#: How many bytes tell what a file is.
HEAD: Final = 16
#: How a preview is written, and how well.
PREVIEW_QUALITY: Final = 85
#: Pixels; JPEG can have 65,500.
MAX_PREVIEW_HEIGHT: Final = 16_384
_WEBP_HEAD: Final = 30


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture is."""

    #: Its media type, such as "image/png".
    type: str
    #: How a file of it ends, without the dot.
    extension: str
    width: int
    height: int


async def beside_the_loop(work: Callable[[], T]) -> T:
    """Does what takes the library, in the one thread for it."""
    return await asyncio.get_running_loop().run_in_executor(_thread(), work)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "pictures")


def examine(body: bytes, max_pixels: int = MAX_PIXELS) -> PictureFacts:
    """What a picture is, once it has been decoded whole.

    Raises ForeignRefused: "not_a_picture", "too_many_pixels" or "broken" (cut off, or damaged).
    """
    with _opened(body, max_pixels) as picture:
        _decode(picture)
        other = stowaway(body, picture.format or "")
        if other is not None:
            raise ForeignRefused("not_a_picture", f"it is a picture and {other} at once")
        kind, extension = FORMATS[picture.format or ""]
        return PictureFacts(type=kind, extension=extension, width=picture.width, height=picture.height)


def split(body: bytes, max_pixels: int = MAX_PIXELS) -> tuple[bytes, ...]:
    """The four tiles of a grid, in its own format: top left, top right, bottom left, bottom right.

    What does not divide by two goes to the right and the bottom. PNG and WebP lose nothing; JPEG is written with the
    grid's own tables. Raises ForeignRefused.
    """
    with _opened(body, max_pixels) as grid:
        _decode(grid)
        width, height = grid.size
        columns, rows = (0, width // 2, width), (0, height // 2, height)
        saving = _saving(grid)
        boxes = [(columns[x], rows[y], columns[x + 1], rows[y + 1]) for y in (0, 1) for x in (0, 1)]
        return tuple(_written(grid.crop(box), saving) for box in boxes)


def shrink(body: bytes, width: int, max_pixels: int = MAX_PIXELS) -> bytes:
    """A preview as JPEG, at most so many pixels wide and no wider than the picture. Raises ForeignRefused.

    A strip that would be higher than JPEG can be is made narrower still.
    """
    with _opened(body, max_pixels) as picture:
        wide = max(1, min(width, picture.width, picture.width * MAX_PREVIEW_HEIGHT // picture.height))
        size = (wide, max(1, min(MAX_PREVIEW_HEIGHT, round(picture.height * wide / picture.width))))
        picture.draft("RGB", size)
        _decode(picture)
        small = picture.convert("RGBA" if picture.has_transparency_data else "RGB").resize(size)
        return _written(_on_white(small), {"format": "JPEG", "quality": PREVIEW_QUALITY})


def picture_type(head: bytes) -> str | None:
    """The media type of what begins with these bytes (`HEAD` of them); None if it is no picture that is taken."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "image/avif"
    return next((kind for begins, kind in BEGINNINGS.items() if head.startswith(begins)), None)


def _on_white(picture: Raster) -> Raster:
    from PIL import Image  # noqa: PLC0415  # see _opened

    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _opened(body: bytes, max_pixels: int) -> Raster:
    """The picture, not decoded yet. Raises ForeignRefused."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  # only who has to do with pictures pays for it

    # Our own bound takes the place of the library's, which warns first.
    Image.MAX_IMAGE_PIXELS = None
    # The library makes room for a WebP picture as soon as it is opened.
    _check_size(_webp_size(body), max_pixels)
    try:
        picture = Image.open(io.BytesIO(body), formats=tuple(FORMATS))
    except UnidentifiedImageError:
        raise ForeignRefused("not_a_picture", f"it is no picture but {_described(body)}") from None
    except Exception as wrong:  # noqa: BLE001  # a decoder may fail in any way on what is made to break it
        raise ForeignRefused("broken", f"the picture cannot be read: {type(wrong).__name__}") from None
    _check_size(picture.size, max_pixels)
    return picture


def _decode(picture: Raster) -> None:
    """Raises ForeignRefused if the picture is cut off or damaged."""
    try:
        picture.load()
    except Exception as wrong:  # noqa: BLE001  # the same
        raise ForeignRefused("broken", f"the picture is cut off or damaged: {type(wrong).__name__}") from None


def _check_size(size: tuple[int, int] | None, max_pixels: int) -> None:
    if size is not None and size[0] * size[1] > max_pixels:
        raise ForeignRefused("too_many_pixels", f"the picture has {size[0]} x {size[1]} pixels, more than {max_pixels}")


def _webp_size(body: bytes) -> tuple[int, int] | None:
    """Width and height as a WebP file says them; None if it is none."""
    if len(body) < _WEBP_HEAD or body[:4] != b"RIFF" or body[8:12] != b"WEBP":
        return None
    match body[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(body[24:27], "little"), 1 + int.from_bytes(body[27:30], "little")
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", body, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", body, 21)
            return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    return None


def _described(body: bytes) -> str:
    """What bytes that are no picture seem to be."""
    head = body[:512].lstrip().lower()
    if not body:
        return "empty"
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "a page of HTML"
    if head.startswith((b"<svg", b"<?xml")):
        return "XML or SVG"
    if head.startswith((b"{", b"[")):
        return "JSON"
    return "something else"


def _saving(grid: Raster) -> dict[str, Any]:
    """How a tile is written so that it is as good as its grid."""
    saving: dict[str, Any] = {"format": grid.format, "icc_profile": grid.info.get("icc_profile")}
    match grid.format:
        case "JPEG":
            from PIL import JpegImagePlugin  # noqa: PLC0415  # see _opened

            tables = getattr(grid, "quantization", None)
            saving |= {"qtables": tables, "subsampling": JpegImagePlugin.get_sampling(grid)}
        case "WEBP":
            saving |= {"lossless": True, "method": 0}
        case "AVIF":
            saving |= {"quality": 95}
    return saving


def _written(picture: Raster, saving: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    picture.save(file, **saving)
    return file.getvalue()
