"""Who keeps copies of pictures, and returns them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from receiver.contracts.handlers import Handler, Sink


@runtime_checkable
class PictureKeeper(Protocol):
    """What a handler has beside, if what it keeps can be opened again. `folder`: where relative paths start."""

    @property
    def link_lifetime_s(self) -> float | None:
        """How long a link of ours opens a copy to anybody, seconds; None = there are no such links."""
        ...

    def read_copy(self, key: str, folder: Path) -> AsyncIterator[bytes]:
        """A file, in pieces. Raises FileNotFoundError if there is none, OSError for what may pass."""
        ...

    async def delete_copy(self, key: str, folder: Path) -> None:
        """Takes a file away; none is no mistake. Raises OSError."""
        ...

    def list_copies(self, folder: Path, until: str) -> AsyncIterator[str]:
        """The keys of all files before the key `until`, in no order. Raises OSError."""
        ...


def link_lifetime_s(handler: Handler) -> float | None:
    """How long links to a handler's copies last, seconds; None = it has none."""
    return handler.link_lifetime_s if isinstance(handler, PictureKeeper) else None


def keepers_of(sinks: Mapping[str, Sink]) -> dict[str, PictureKeeper]:
    """Those of the sinks that keep copies, by name."""
    return {name: sink.handler for name, sink in sinks.items() if isinstance(sink.handler, PictureKeeper)}
