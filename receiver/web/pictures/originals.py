"""Pictures that are being shown: each in a file without a name, so that none is held in memory and none is left."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from receiver.errors import ForeignRefused
from receiver.lib.pictures import HEAD, picture_type

#: How much of a picture is held at once while it is sent, bytes.
PIECE: Final = 256 * 1024


class Original:
    """A picture as it came. Its room on disk is free again when nobody holds it any more, also after a kill."""

    def __init__(self, file: int, size: int, kind: str, sha256: str) -> None:
        self._file = file
        weakref.finalize(self, os.close, file)
        #: Bytes.
        self.size: Final = size
        #: Media type, by what is in it.
        self.type: Final = kind
        self.sha256: Final = sha256

    async def read(self) -> bytes:
        """All of it."""
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        """It, piece by piece, read beside the loop."""
        for start in range(0, self.size, PIECE):
            yield await asyncio.to_thread(os.pread, self._file, PIECE, start)


async def spool(pieces: AsyncIterator[bytes], folder: Path, max_bytes: int) -> Original:
    """What comes, as a picture. Raises ForeignRefused for what is none, or longer than `max_bytes`; OSError."""
    file = await asyncio.to_thread(_nameless, folder)
    size, head, digest = 0, b"", hashlib.sha256()
    try:
        async for piece in pieces:
            size += len(piece)
            if size > max_bytes:
                raise ForeignRefused("too_long", f"the picture is longer than {max_bytes} bytes")
            head = head if len(head) >= HEAD else (head + piece)[:HEAD]
            await asyncio.to_thread(_append, file, digest, piece)
        kind = picture_type(head)
        if kind is None:
            raise ForeignRefused("not_a_picture", "it is no picture")
        return Original(file, size, kind, digest.hexdigest())
    except BaseException:
        os.close(file)
        raise


def _append(file: int, digest: hashlib._Hash, piece: bytes) -> None:
    digest.update(piece)
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(file, rest) :]


def _nameless(folder: Path) -> int:
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        return os.dup(file.fileno())
