"""The store, and who watches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from receiver.contracts.transaction import Transaction

T = TypeVar("T")


class Store(Protocol):
    """Keeps everything. Writes that wait together share one committed, fsynced transaction."""

    #: Key of the refs; made with the database and kept in it.
    ref_key: bytes

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in a write transaction and gives its value once that is on disk.

        `work` may run again from the start if a neighbour in the same batch fails, so it touches nothing but the
        transaction. Raises StoreUnavailable (nothing of it is kept), or what `work` raised.
        """
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` on a consistent view of what is committed; it must not write."""
        ...

    def watch(self) -> Watch:
        """A new watcher of commits."""
        ...


class Watch(Protocol):
    """Told of every commit; several commits may be one signal."""

    async def wait(self, seconds: float | None = None) -> bool:
        """Waits for a commit since the last call; False when the time ran out first."""
        ...

    def signal(self) -> None:
        """Ends a wait."""
        ...

    def close(self) -> None: ...
