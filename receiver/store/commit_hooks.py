"""Who follows commits: watches, which are told of each, and hooks, whose work goes along with each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from receiver.contracts import Result, Transaction

T = TypeVar("T")
Work = Callable[[Transaction], Any]


class CommitWatch:
    """Told of every commit; several may be one signal."""

    def __init__(self, among: set[CommitWatch]) -> None:
        self._among = among
        self._event = asyncio.Event()

    def signal(self) -> None:
        """A commit happened."""
        self._event.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Waits for a commit since the last call; False when the time ran out first."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    def close(self) -> None:
        """No more signals are wanted."""
        self._among.discard(self)


class StoreCommitHook(Generic[T]):
    """Work that goes along with every commit: a `receiver.contracts.CommitHook`."""

    def __init__(
        self,
        begin: Callable[[], Callable[[Transaction], T] | None],
        on_result: Callable[[T], None],
        on_error: Callable[[Exception], None],
        among: list[StoreCommitHook[Any]],
        wake: asyncio.Event,
    ) -> None:
        self._begin = begin
        self._on_result = on_result
        self._on_error = on_error
        self._among = among
        self._wake = wake
        self.is_wanted = False

    def request_commit(self) -> None:
        """Wants a commit soon, of its own if there is no other."""
        self.is_wanted = True
        self._wake.set()

    def begin(self) -> Work | None:
        """What is to be done in the commit that begins; None = nothing."""
        self.is_wanted = False
        return self._begin()

    def end(self, result: Result) -> None:
        """The commit is over."""
        if result.error is None:
            self._on_result(result.value)
        elif isinstance(result.error, Exception):
            self._on_error(result.error)

    def close(self) -> None:
        """Goes along no more."""
        if self in self._among:
            self._among.remove(self)
