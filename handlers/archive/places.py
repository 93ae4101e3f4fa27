"""Where an archive keeps its files: a contract, and the folder on this machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol

#: Files that are not whole yet, within the folder; what a crash left there goes after this time, seconds.
UNFINISHED: Final = ".unfinished"
FORGOTTEN_S: Final = 86_400
#: How much of a file is held at once while it is read in pieces, bytes.
PIECE: Final = 512 * 1024


class ArchivePlace(Protocol):
    """Keeps files by their keys. Every method raises OSError for what may pass."""

    async def read(self, key: str) -> bytes | None:
        """A file; None if there is none."""
        ...

    def pieces(self, key: str) -> AsyncIterator[bytes]:
        """A file, piece by piece. Raises FileNotFoundError if there is none."""
        ...

    async def size(self, key: str) -> int | None:
        """How many bytes a file has; None if there is none."""
        ...

    def keys(self, until: str) -> AsyncIterator[str]:
        """The keys of the files before the key `until`, in no order."""
        ...

    async def write(self, key: str, body: bytes, kind: str) -> None:
        """Publishes a file whole, or not at all; `kind` is its media type."""
        ...

    async def delete(self, key: str) -> None:
        """Takes a file away; none is no mistake."""
        ...


class FolderPlace:
    """A folder. What is written survives a power cut: it is synced under another name, then renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._swept = False

    async def read(self, key: str) -> bytes | None:
        """A file; None if there is none."""
        return await asyncio.to_thread(self._read, key)

    async def size(self, key: str) -> int | None:
        """How many bytes a file has; None if there is none."""
        return await asyncio.to_thread(self._size, key)

    async def pieces(self, key: str) -> AsyncIterator[bytes]:
        """A file, piece by piece, each read beside the loop. Raises OSError."""
        file = await asyncio.to_thread((self._root / key).open, "rb")
        try:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece
        finally:
            file.close()

    async def keys(self, until: str) -> AsyncIterator[str]:
        """The keys before `until`: only folders that can hold some are looked through."""
        folders = [""]
        while folders:
            here = folders.pop()
            for name, is_folder in await asyncio.to_thread(self._entries, here):
                key = f"{here}{name}"
                if key >= until or key == UNFINISHED:
                    continue
                if is_folder:
                    folders.append(f"{key}/")
                else:
                    yield key

    def _entries(self, folder: str) -> list[tuple[str, bool]]:
        try:
            with os.scandir(self._root / folder) as entries:
                return [(one.name, one.is_dir(follow_symlinks=False)) for one in entries]
        except FileNotFoundError:
            return []

    async def write(self, key: str, body: bytes, kind: str) -> None:
        """Publishes a file whole, or not at all. Raises OSError."""
        await asyncio.to_thread(self._write, key, body)

    async def delete(self, key: str) -> None:
        """Takes a file away, and the folders above it that are empty then."""
        await asyncio.to_thread(self._delete, key)

    def _read(self, key: str) -> bytes | None:
        try:
            return (self._root / key).read_bytes()
        except FileNotFoundError:
            return None

    def _size(self, key: str) -> int | None:
        try:
            return (self._root / key).stat().st_size
        except FileNotFoundError:
            return None

    def _write(self, key: str, body: bytes) -> None:
        target, unfinished = self._root / key, self._root / UNFINISHED
        unfinished.mkdir(parents=True, exist_ok=True)
        self._sweep(unfinished)
        self._make_folders(target.parent)
        part = unfinished / secrets.token_hex(16)
        try:
            with part.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync(target.parent)

    def _make_folders(self, folder: Path) -> None:
        """Each with an entry in the one above it that is on disk."""
        missing = [one for one in (folder, *folder.parents) if one.is_relative_to(self._root) and not one.exists()]
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            _sync(one.parent)

    def _sweep(self, unfinished: Path) -> None:
        if self._swept:
            return
        self._swept = True
        for part in unfinished.iterdir():
            if time.time() - part.stat().st_mtime > FORGOTTEN_S:
                part.unlink(missing_ok=True)

    def _delete(self, key: str) -> None:
        path = self._root / key
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self._root or not folder.is_relative_to(self._root):
                return
            try:
                folder.rmdir()
            except OSError:  # something is in it
                return


def _sync(folder: Path) -> None:
    """Has the entries of a folder written down."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
