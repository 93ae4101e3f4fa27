"""The store, and who watches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from receiver.contracts.transaction import Transaction

T = TypeVar("T")


class Result(NamedTuple):
    """What became of a piece of work: its value, or what it or its commit raised."""

    value: Any
    error: BaseException | None

    def into(self, future: asyncio.Future[Any]) -> None:
        """Ends a future, unless its waiter has gone."""
        if future.done():
            return
        if self.error is None:
            future.set_result(self.value)
        else:
            future.set_exception(self.error)


class Store(Protocol):
    """Keeps everything. Writes that wait together share one committed, fsynced transaction."""

    #: Key of the refs and of the buttons; made with the database and kept in it.
    ref_key: bytes

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in a write transaction and returns its value once that is on disk.

        `work` may be cut off by a BaseException and run again from the start, any number of times, so it touches
        nothing but the transaction and catches no BaseException; what is to be done besides, such as a log line, it
        hands to `Transaction.afterwards`. Raises StoreUnavailable (nothing of it is kept), or what `work` raised.
        """
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` on a consistent view of what is committed; it must not write."""
        ...

    def watch(self) -> Watch:
        """A new watcher of commits."""
        ...


class HookedStore(Store, Protocol):
    """A store whose commits take work along."""

    def hook_commits(
        self, work: Callable[[Transaction], T], on_result: Callable[[T], None], on_error: Callable[[Exception], None]
    ) -> CommitHook:
        """Runs `work` last in every commit of this process, and soon after one of another process.

        It sees what the commit writes, and what it writes itself is on disk with it: no second commit, no wait.
        `on_result` gets its value, `on_error` what it or the commit raised; both are called on the event loop before
        the next commit begins, and must not raise. `work` may run again from the start, like that of `write`.
        """
        ...


class CommitHook(Protocol):
    """Work that goes along with every commit."""

    def request_commit(self) -> None:
        """Wants a commit soon, of its own if there is no other."""
        ...

    def close(self) -> None:
        """Goes along no more; a commit under way still tells what came of it."""
        ...


class Watch(Protocol):
    """Told of every commit; several commits may be one signal."""

    async def wait(self, seconds: float | None = None) -> bool:
        """Waits for a commit since the last call; False when the time ran out first."""
        ...

    def signal(self) -> None:
        """Ends the present `wait`, or the next one, as a commit would."""
        ...

    def close(self) -> None: ...
