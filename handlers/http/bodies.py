"""Bodies of answers: put together, decoded, and bounded both as they come and decoded."""

from __future__ import annotations

import zlib
from typing import Final

#: For zlib: a gzip, a zlib stream, the bare stream that some servers call "deflate".
GZIP, ZLIB, BARE = 31, 15, -15
#: Encodings that can be undone, though nobody asks for them. A body in any other one is handed on as it comes.
GZIPPED: Final = frozenset({"gzip", "x-gzip"})
DEFLATED: Final = "deflate"
CANNOT_UNDO: Final = "the answer's content-encoding cannot be undone"


class Unreadable(Exception):
    """An answer that is not HTTP, or beyond the bounds; its text says which."""


class BodyTooLong(Unreadable):
    """A body beyond its bound."""


class BodyReader:
    """One body, piece by piece."""

    __slots__ = ("_decoder", "_encoding", "_first", "_limit", "_whole", "came")

    def __init__(self, encoding: str, limit: int) -> None:
        """`encoding` is the answer's `content-encoding`, "" if it has none; `limit` is in bytes."""
        self._encoding = encoding.strip().lower()
        self._decoder = zlib.decompressobj(GZIP) if self._encoding in GZIPPED else None
        #: What came while it is not known yet what it is.
        self._first = b""
        self._limit = limit
        self._whole = bytearray()
        #: Bytes that came, as they came.
        self.came = 0

    def take(self, piece: bytes) -> None:
        """The next piece. Raises Unreadable if it cannot be decoded, or is too much."""
        self.came += len(piece)
        if self._encoding == DEFLATED and self._decoder is None:
            piece = self._first = self._first + piece
            if len(piece) < 2:
                return
            self._decoder = zlib.decompressobj(ZLIB if _is_zlib(piece) else BARE)
        self._whole += piece if self._decoder is None else self._decoded(piece, self._decoder)
        if len(self._whole) > self._limit or self.came > self._limit:
            raise BodyTooLong(f"the answer is longer than {self._limit} bytes")

    def whole(self) -> bytes:
        """All of it, once nothing more comes. Raises Unreadable if an encoding has no end."""
        encoded = self._decoder is not None or self._encoding == DEFLATED
        if encoded and self.came and (self._decoder is None or not self._decoder.eof):
            raise Unreadable(CANNOT_UNDO)
        return bytes(self._whole)

    def _decoded(self, piece: bytes, decoder: zlib._Decompress) -> bytes:
        try:
            # One byte more than there is room for is enough to see that it is too much.
            decoded = decoder.decompress(piece, self._limit - len(self._whole) + 1)
        except zlib.error:
            raise Unreadable(CANNOT_UNDO) from None
        if decoder.unused_data:
            raise Unreadable(CANNOT_UNDO)
        return decoded


def _is_zlib(begun: bytes) -> bool:
    """Whether a stream begins with zlib's header (RFC 1950)."""
    return begun[0] & 15 == 8 and (begun[0] << 8 | begun[1]) % 31 == 0
