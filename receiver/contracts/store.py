"""The store, who watches it, and the database behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import msgspec

from receiver.contracts.counts import ReplicaState, StoreCounts
from receiver.contracts.transaction import Transaction
from receiver.lib.times import Clock

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

    @property
    def clock(self) -> Clock:
        """The time that all processes on this database go by."""
        ...

    def leads(self) -> bool:
        """Whether this process does what one process alone is to do for all of them: looks, retention, recovery.

        To be asked again each time; for a moment two may lead, or none.
        """
        ...

    def life(self) -> int:
        """Which life this process is in, as others see it: 0 while they may take it for gone, another one after that.

        What it claimed in one life is not its own any more in the next: others may have taken it over. To be asked
        right before what must not be done twice.
        """
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in a write transaction and returns its value once that is on disk.

        What it has read stays so until its commit, whatever other processes do: the engine sees to that, if need be by
        running it again on what is there by then.

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

    @property
    def counts(self) -> StoreCounts:
        """What this process wrote since the start."""
        ...

    def replica(self) -> ReplicaState:
        """Where this process stands among those on the database."""
        ...

    def hook_commits(
        self,
        begin: Callable[[], Callable[[Transaction], T] | None],
        on_result: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> CommitHook:
        """Adds a work to the end of every commit of this process, and soon to one after that of another process.

        `begin` returns it as the commit begins, or None: it has none for this one. It sees what the commit writes, what
        hooks before it write included, and what it writes itself is on disk with it: no second commit, no wait.
        `on_result` gets its value, `on_error` what it or the commit raised. All three are called on the event loop, the
        latter two before the next commit begins, and must not raise. The work may run again from the start, like that
        of `write`.
        """
        ...


class Database(HookedStore, Protocol):
    """A store as it is for who opens it: an asynchronous context manager, open within."""

    async def __aenter__(self) -> Self:
        """Opens it, and brings its schema up to date. Raises StoreRefused or StoreUnavailable."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Finishes what waits, then closes it."""
        ...

    async def own_dispatching(self) -> None:
        """This process dispatches from here on.

        Raises StoreRefused if another one does and the database has room for one only, or StoreUnavailable.
        """
        ...

    def dispatched(self) -> bool:
        """Whether this or another process dispatches."""
        ...

    async def vacuum(self) -> None:
        """Gives all free room back, if the database does not do so by itself; no write gets through meanwhile.

        Raises StoreUnavailable.
        """
        ...


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What there is at a database's address."""

    #: The file, or the address without a password.
    path: str
    #: The version of its schema; None = there is no database yet.
    version: int | None
    #: The version that this program makes of it.
    newest: int
    #: Whether a process dispatches from it.
    dispatched: bool


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
