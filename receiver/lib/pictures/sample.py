"""A sample picture, drawn here: a test of a sink needs nobody's server for it."""

from __future__ import annotations

import struct
import zlib
from typing import Final

#: Width and height, pixels.
SIZE: Final = 512
#: Red and green of the left and right half; blue grows downwards.
HALVES: Final = (b"\x2e\x6f", b"\xe8\xa3")


def sample_picture() -> bytes:
    """A small PNG of two halves that fade downwards."""
    rows = b"".join(
        b"\0" + b"".join((half + bytes((255 * row // SIZE,))) * (SIZE // 2) for half in HALVES) for row in range(SIZE)
    )
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
