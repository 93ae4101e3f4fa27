"""Where a picture of a job can be had: our copies first, then the vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from receiver.contracts import ForeignClient
from receiver.contracts.pictures import PictureKeeper
from receiver.contracts.setup import Setup
from receiver.flows.archiving import in_order
from receiver.lib.pictures import beside_the_loop, examine
from receiver.model.jobs import KeptJob, PictureCopy

#: Longest picture that is taken from a vendor, bytes, and how long it may take to come, seconds.
VENDOR_BYTES: Final = 64 * 1024**2
VENDOR_S: Final = 30.0


class WantedOriginal(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a job, and where it can be had."""

    #: Our copies, the one to take first; none if no archive keeps it.
    copies: tuple[PictureCopy, ...]
    #: Where the vendor has it; None for a tile that we cut ourselves.
    url: str | None


def wanted_original(kept: KeptJob, index: int, setup: Setup) -> WantedOriginal | None:
    """The picture at this place, 0 = the grid; None if the job has no such picture."""
    kinds: Sequence[str] = ("grid",) if index == 0 else ("image", "tile")
    ours = [one for kind in kinds for one in in_order(kept.copies, setup) if (one.kind, one.index) == (kind, index)]
    job = kept.job
    url = job.grid_url if index == 0 else next((one.url for one in job.images if one.index == index), None)
    return WantedOriginal(copies=tuple(ours), url=url) if ours or url else None


class PicturePlaces:
    """Opens pictures where they are."""

    def __init__(self, keepers: Mapping[str, PictureKeeper], folder: Path, foreign: ForeignClient | None) -> None:
        """`keepers` by the names of their sinks. `foreign` None: what only vendors have is not fetched."""
        self._keepers = keepers
        self._folder = folder
        self.foreign: Final = foreign

    def keeps(self, copy: PictureCopy) -> bool:
        """Whether the archive that has this copy is still configured."""
        return copy.sink in self._keepers

    def copy(self, copy: PictureCopy) -> AsyncIterator[bytes]:
        """Our copy, in pieces. Raises OSError."""
        return self._keepers[copy.sink].read_copy(copy.key, self._folder)

    async def at_vendor(self, foreign: ForeignClient, url: str) -> AsyncIterator[bytes]:
        """What the vendor has, once it was found to be a picture. Raises ForeignRefused, TransportError."""
        answer = await foreign.fetch(url, VENDOR_S, VENDOR_BYTES)
        await beside_the_loop(partial(examine, answer.body))
        yield answer.body
