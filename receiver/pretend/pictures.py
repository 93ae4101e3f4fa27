"""Pictures drawn on the spot: a landscape per seed text, alone or four in a grid. The same seed is the same picture."""

from __future__ import annotations

import colorsys
import hashlib
import io
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

TILE: Final = 256
UPSCALED: Final = 512
GAP: Final = 8
HILLS: Final = 4
LONGEST_CAPTION: Final = 80

Colour = tuple[int, int, int]


@lru_cache(maxsize=64)
def single(seed: str, caption: str, size: int = TILE) -> bytes:
    """PNG of one landscape, `size` pixels square, with the caption at its foot."""
    return _png(_with_caption(_landscape(seed, size), caption))


@lru_cache(maxsize=64)
def grid(seeds: Sequence[str], caption: str, size: int = TILE) -> bytes:
    """PNG of four landscapes, two by two, in reading order; `seeds` is a tuple of four texts."""
    side = 2 * size + 3 * GAP
    sheet = Image.new("RGB", (side, side), (250, 248, 244))
    for place, seed in enumerate(seeds):
        down, right = divmod(place, 2)
        sheet.paste(_landscape(seed, size), (GAP + right * (size + GAP), GAP + down * (size + GAP)))
    return _png(_with_caption(sheet, caption))


def _landscape(seed: str, size: int) -> Image.Image:
    dice = hashlib.sha256(seed.encode()).digest()
    hue = dice[0] / 256
    picture = _sky(hue, (hue + 0.08 + dice[1] / 1500) % 1, size)
    pen = ImageDraw.Draw(picture)
    _sun(pen, dice, size)
    for layer in range(HILLS):
        shade = _colour((hue + 0.5 + layer * 0.02) % 1, 0.35 + layer * 0.08, 0.72 - layer * 0.16)
        pen.polygon(_hill(dice, layer, size), fill=shade)
    return picture


def _sky(top: float, bottom: float, size: int) -> Image.Image:
    fade = Image.linear_gradient("L").resize((size, size))
    high = Image.new("RGB", (size, size), _colour(top, 0.45, 0.88))
    low = Image.new("RGB", (size, size), _colour(bottom, 0.18, 1.0))
    return Image.composite(low, high, fade)


def _sun(pen: ImageDraw.ImageDraw, dice: bytes, size: int) -> None:
    radius = size * (0.07 + dice[2] / 2500)
    across = size * (0.2 + 0.6 * dice[3] / 256)
    height = size * (0.18 + 0.2 * dice[4] / 256)
    pen.ellipse((across - radius, height - radius, across + radius, height + radius), fill=(255, 246, 220))


def _hill(dice: bytes, layer: int, size: int) -> list[tuple[float, float]]:
    waves = 1 + dice[5 + layer] / 110
    shift = dice[10 + layer] / 40
    base = size * (0.48 + 0.12 * layer)
    tall = size * (0.1 - 0.012 * layer)
    ridge = [
        (x, base - tall * (math.sin(shift + waves * x * math.tau / size) + 0.4 * math.sin(3.1 * shift + x * 23 / size)))
        for x in range(0, size + 4, 4)
    ]
    return [(0, size), *ridge, (size, size)]


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _with_caption(picture: Image.Image, caption: str) -> Image.Image:
    text = " ".join(caption.split())[:LONGEST_CAPTION]
    if not text:
        return picture
    width, height = picture.size
    font = ImageFont.load_default(max(11, width // 26))
    while text and font.getlength(text) > width - 16:
        text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
    pen = ImageDraw.Draw(picture)
    pen.text((9, height - 7), text, fill=(20, 22, 30), font=font, anchor="ls")
    pen.text((8, height - 8), text, fill=(255, 255, 255), font=font, anchor="ls")
    return picture


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
