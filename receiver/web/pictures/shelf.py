"""What was shown lately is shown again without being fetched again; all of it within bounds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from receiver.errors import ForeignRefused, GridhookError, NoAnswer, TransportError
from receiver.lib.pictures import beside_the_loop, shrink
from receiver.lib.times import Clock
from receiver.web.pictures.originals import Original, spool
from receiver.web.problems import Refusal

T = TypeVar("T")

MIB: Final = 1024**2
#: What is kept on disk: bytes, pictures, and how long each, ms.
DISK_BYTES: Final = 512 * MIB
DISK_COUNT: Final = 200
#: What is kept in memory: previews.
MEMORY_BYTES: Final = 32 * MIB
MEMORY_COUNT: Final = 2000
KEPT_MS: Final = 6 * 3600 * 1000
#: How long a picture that could not be had is not asked for again, ms, and how many of those are remembered.
FAILED_MS: Final = 30_000
FAILED_COUNT: Final = 1000
#: How many pictures are fetched at once from vendors, and from our archives, and how many may wait for either.
FETCHES: Final = 4
WAITING: Final = 256
#: Longest picture of which previews are made, bytes: it is in memory then.
PREVIEW_FROM: Final = 64 * MIB

BUSY: Final = Refusal(503, "busy", "too many pictures are being fetched; ask again", {"retry-after": "5"})
TOO_LARGE: Final = Refusal(422, "no_preview", f"a picture of more than {PREVIEW_FROM // MIB} MiB has no preview")


class BoundedCache(Generic[T]):
    """Values by name; who was longest not asked for goes first."""

    def __init__(self, most_bytes: int, most: int, lasts_ms: int, clock: Clock) -> None:
        self._kept: OrderedDict[str, tuple[T, int, int]] = OrderedDict()
        self._most_bytes = most_bytes
        self._most = most
        self._lasts_ms = lasts_ms
        self._clock = clock
        self._bytes = 0

    def get(self, name: str) -> T | None:
        """The value, while it lasts."""
        found = self._kept.get(name)
        if found is None:
            return None
        if found[2] <= self._clock():
            self._drop(name)
            return None
        self._kept.move_to_end(name)
        return found[0]

    def put(self, name: str, value: T, size: int) -> None:
        """Keeps a value of so many bytes, in place of others if need be."""
        self._drop(name)
        self._kept[name] = (value, size, self._clock() + self._lasts_ms)
        self._bytes += size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: str) -> None:
        gone = self._kept.pop(name, None)
        self._bytes -= gone[1] if gone else 0


class FetchLane:
    """Work on pictures of one kind: so much at once, and so much that waits for it."""

    def __init__(self) -> None:
        self.under_way: dict[str, asyncio.Task[Any]] = {}
        self.room = asyncio.Semaphore(FETCHES)

    async def once(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns; who comes while it goes on has the same. It goes on when whoever asked has left.

        Raises what `work` raises, and Refusal (503) where too many wait.
        """
        task = self.under_way.get(name)
        if task is None:
            if len(self.under_way) >= WAITING:
                raise BUSY.anew()
            task = asyncio.ensure_future(work())
            self.under_way[name] = task
            task.add_done_callback(partial(self._over, name))
        found: T = await asyncio.shield(task)
        return found

    def _over(self, name: str, task: asyncio.Task[Any]) -> None:
        del self.under_way[name]
        if not task.cancelled():
            # Whoever still waits is told; where nobody does, there is nobody to tell.
            task.exception()


class PictureShelf:
    """Pictures and their previews. Who asks for what is just being fetched waits for that."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """`folder`: where room on disk is taken, by files without names."""
        self._folder = folder
        self._originals: BoundedCache[Original] = BoundedCache(DISK_BYTES, DISK_COUNT, KEPT_MS, clock)
        self._previews: BoundedCache[bytes] = BoundedCache(MEMORY_BYTES, MEMORY_COUNT, KEPT_MS, clock)
        self._failures: BoundedCache[Callable[[], GridhookError]] = BoundedCache(
            FAILED_COUNT, FAILED_COUNT, FAILED_MS, clock
        )
        # A vendor that hangs holds up neither our own copies nor what is here already.
        self._copying, self._fetching, self._previewing = FetchLane(), FetchLane(), FetchLane()
        self._shrinking = asyncio.Semaphore(1)

    async def original(
        self, name: str, pieces: Callable[[], AsyncIterator[bytes]], max_bytes: int, *, from_vendor: bool = False
    ) -> Original:
        """The picture of this name, from `pieces` if it is not here; whether those come `from_vendor`, else from us.

        Raises what `pieces` raises, ForeignRefused for what is no picture, Refusal (503) where too many wait, OSError.
        """
        failed = self._failures.get(name)
        if failed is not None:
            raise failed()
        known = self._originals.get(name)
        if known is not None:
            return known
        lane = self._fetching if from_vendor else self._copying
        return await lane.once(name, partial(self._fetched, lane, name, pieces, max_bytes))

    async def preview(self, original: Original, width: int) -> bytes:
        """A picture as JPEG, no wider than so many pixels. Raises ForeignRefused, Refusal."""
        name = f"{original.sha256}-{width}"
        known = self._previews.get(name)
        if known is not None:
            return known
        return await self._previewing.once(name, partial(self._shrunk, name, original, width))

    async def _fetched(
        self, lane: FetchLane, name: str, pieces: Callable[[], AsyncIterator[bytes]], max_bytes: int
    ) -> Original:
        async with lane.room:
            try:
                found = await spool(pieces(), self._folder, max_bytes)
            except (ForeignRefused, TransportError) as wrong:
                self._failures.put(name, _again(wrong), 1)
                raise
        self._originals.put(name, found, found.size)
        return found

    async def _shrunk(self, name: str, original: Original, width: int) -> bytes:
        if original.size > PREVIEW_FROM:
            raise TOO_LARGE.anew()
        async with self._shrinking:
            small = await beside_the_loop(partial(shrink, await original.read(), width))
        self._previews.put(name, small, len(small))
        return small


def _again(wrong: ForeignRefused | TransportError) -> Callable[[], GridhookError]:
    """Makes the same error once more: one that is kept would keep all that it passed through."""
    if isinstance(wrong, ForeignRefused):
        return partial(ForeignRefused, wrong.code, str(wrong), wrong.status)
    return partial(NoAnswer, str(wrong))
