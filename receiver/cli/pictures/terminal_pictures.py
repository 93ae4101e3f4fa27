"""Pictures on a terminal that can show them: kitty's protocol, iTerm2's, and sixels."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from PIL import Image

from receiver.lib.pictures import shrink

if TYPE_CHECKING:
    from receiver.cli.pictures.inline_picture import PictureProtocol

#: Of what is shown, pixels.
WIDTH: Final = 480
#: Characters of one piece (kitty's documentation).
PIECE: Final = 4096
COLOURS: Final = 64
ESC: Final = "\x1b"


def drawn(body: bytes, protocol: PictureProtocol) -> str:
    """A picture's file as text that this protocol's terminals show, made small enough for a look.

    Raises ForeignRefused for what is no picture, or too large a one.
    """
    small = Image.open(io.BytesIO(shrink(body, WIDTH)))
    if protocol == "sixel":
        return _sixels(small)
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    if protocol == "iterm2":
        return f"{ESC}]1337;File=inline=1;size={buffer.tell()}:{encoded}\x07\n"
    pieces = [encoded[at : at + PIECE] for at in range(0, len(encoded), PIECE)]
    last = len(pieces) - 1
    told = ["a=T,f=100," if place == 0 else "" for place in range(len(pieces))]
    return "".join(f"{ESC}_G{told[n]}m={int(n < last)};{piece}{ESC}\\" for n, piece in enumerate(pieces)) + "\n"


def _sixels(picture: Image.Image) -> str:
    reduced = picture.quantize(COLOURS)
    palette = reduced.getpalette() or []
    colours = "".join(
        f"#{n};2;{';'.join(str(part * 100 // 255) for part in palette[3 * n : 3 * n + 3])}"
        for n in range(len(palette) // 3)
    )
    bands = "-".join(_band(reduced, top) for top in range(0, reduced.height, 6))
    return f'{ESC}Pq"1;1;{reduced.width};{reduced.height}{colours}{bands}{ESC}\\\n'


def _band(picture: Image.Image, top: int) -> str:
    """Six lines of pixels, one colour after the other."""
    width, height = picture.width, min(6, picture.height - top)
    pixels = picture.crop((0, top, width, top + height)).tobytes()
    rows: dict[int, list[int]] = {}
    for at, colour in enumerate(pixels):
        rows.setdefault(colour, [0] * width)[at % width] |= 1 << (at // width)
    return "$".join(f"#{colour}{''.join(_runs(bits))}" for colour, bits in rows.items())


def _runs(bits: list[int]) -> Iterator[str]:
    """Sixels, those that repeat themselves counted."""
    start = 0
    for at in range(1, len(bits) + 1):
        if at == len(bits) or bits[at] != bits[start]:
            count, sixel = at - start, chr(63 + bits[start])
            yield f"!{count}{sixel}" if count > 3 else sixel * count
            start = at
