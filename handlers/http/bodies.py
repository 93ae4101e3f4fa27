"""Bodies of answers: put together, decoded, and bounded both as they come and decoded."""

from __future__ import annotations

import zlib
from typing import Final

#: For zlib: a gzip, a zlib stream, the bare stream that some servers call "deflate".
GZIP, ZLIB, BARE = 31, 15, -15
#: Encodings that can be undone, though nobody asks for them. A body in any other one is handed on as it comes.
ENCODINGS: Final = {"gzip": GZIP, "x-gzip": GZIP, "deflate": ZLIB}
CANNOT_UNDO: Final = "the answer's content-encoding cannot be undone"


class Unreadable(Exception):
    """An answer that is not HTTP, or beyond the bounds; its text says which."""


class BodyReader:
    """One body, piece by piece."""

    __slots__ = ("_decoder", "_limit", "_may_be_bare", "_whole", "came")

    def __init__(self, encoding: str, limit: int) -> None:
        """`encoding` is the answer's `content-encoding`, "" if it has none; `limit` is in bytes."""
        wbits = ENCODINGS.get(encoding.strip().lower())
        self._decoder = zlib.decompressobj(wbits) if wbits is not None else None
        self._may_be_bare = wbits == ZLIB
        self._limit = limit
        self._whole = bytearray()
        #: Bytes that came, as they came.
        self.came = 0

    def take(self, piece: bytes) -> None:
        """The next piece. Raises Unreadable if it cannot be decoded, or is too much."""
        self.came += len(piece)
        self._whole += piece if self._decoder is None else self._decoded(piece)
        if len(self._whole) > self._limit or self.came > self._limit:
            raise Unreadable(f"the answer is longer than {self._limit} bytes")

    def whole(self) -> bytes:
        """All of it, once nothing more comes. Raises Unreadable if the encoding has no end."""
        if self._decoder is not None and self.came and not self._decoder.eof:
            raise Unreadable(CANNOT_UNDO)
        return bytes(self._whole)

    def _decoded(self, piece: bytes) -> bytes:
        # One byte more than there is room for is enough to see that it is too much.
        room = self._limit - len(self._whole) + 1
        decoder = self._decoder
        try:
            decoded = decoder.decompress(piece, room) if decoder is not None else piece
        except zlib.error:
            if not self._may_be_bare:
                raise Unreadable(CANNOT_UNDO) from None
            self._decoder = zlib.decompressobj(BARE)
            self._may_be_bare = False
            return self._decoded(piece)
        self._may_be_bare = False
        if decoder is not None and decoder.unused_data:
            raise Unreadable(CANNOT_UNDO)
        return decoded
