"""Group commit: what waits together shares one commit, whatever engine writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Any, Final, NamedTuple, TypeVar

import structlog

from receiver.contracts import Result, Transaction
from receiver.contracts.counts import StoreCounts
from receiver.errors import StoreUnavailable
from receiver.store.commit_hooks import CommitWatch, StoreCommitHook, Work

T = TypeVar("T")

log = structlog.get_logger("store")

#: Writes that may wait for the running commit; beyond that the store says it is busy.
MAX_WAITING: Final = 10_000
#: Turns of the event loop before a commit begins: what has arrived already is read in them, and shares the commit.
TURNS: Final = 2


class Write(NamedTuple):
    """A piece of work that waits for the next commit."""

    work: Work
    done: asyncio.Future[Any]


class GroupCommit:
    """While one commit is being written, all that arrives waits together and shares the next one."""

    def __init__(self, commit: Callable[[list[Work]], Awaitable[list[Result]]]) -> None:
        """`commit` runs works in one transaction and returns, once that is on disk, what became of each."""
        self._commit = commit
        self._waiting: list[Write] = []
        self._wake = asyncio.Event()
        self._watches: set[CommitWatch] = set()
        self._hooks: list[StoreCommitHook[Any]] = []
        #: What is called on the event loop before the next commit begins: the engine adds what works of a commit that
        #: is on disk asked for.
        self.afterwards: list[Callable[[], None]] = []
        self.counts = StoreCounts()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """The value of `work` once it is on disk; see `receiver.contracts.Store.write`."""
        if len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailable(f"{MAX_WAITING} writes wait already")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Write(work, done))
        self._wake.set()
        return await done

    def watch(self) -> CommitWatch:
        """A new watcher of commits."""
        watch = CommitWatch(self._watches)
        self._watches.add(watch)
        return watch

    def hook(
        self,
        begin: Callable[[], Callable[[Transaction], T] | None],
        on_result: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> StoreCommitHook[T]:
        """Adds a work to the end of every commit; see `receiver.contracts.HookedStore.hook_commits`."""
        hook = StoreCommitHook(begin, on_result, on_error, self._hooks, self._wake)
        self._hooks.append(hook)
        return hook

    def others_committed(self) -> None:
        """Another process committed: watches are told, and hooks want a commit."""
        self._signal()
        for hook in self._hooks:
            hook.request_commit()

    async def run(self) -> None:
        """Commits what waits, until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            batch, self._waiting = self._waiting, []
            hooks = list(self._hooks)
            if not batch and not any(hook.is_wanted for hook in hooks):
                continue
            hooked = [(hook, work) for hook in hooks if (work := hook.begin()) is not None]
            works = [write.work for write in batch] + [work for _, work in hooked]
            began = perf_counter_ns()
            results = await self._commit(works)
            self.counts.commit_us.add((perf_counter_ns() - began) // 1000)
            self.counts.commit_sizes.add(len(batch))
            if self.afterwards:
                self._call()
            for write, result in zip(batch, results, strict=False):
                result.into(write.done)
            for (hook, _), result in zip(hooked, results[len(batch) :], strict=True):
                hook.end(result)
            self._signal()

    def _call(self) -> None:
        calls, self.afterwards = self.afterwards, []
        for call in calls:
            try:
                call()
            except Exception:
                log.exception("store.afterwards_broke")

    def _signal(self) -> None:
        for watch in self._watches:
            watch.signal()
