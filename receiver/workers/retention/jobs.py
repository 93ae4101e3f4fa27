"""Retention: takes away what is older than the retention, bit by bit, beside all that goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

import msgspec
import structlog

from receiver.contracts import (
    FilePages,
    OldRows,
    Pruned,
    Store,
    Transaction,
)
from receiver.lib.times import Clock, stamp
from receiver.workers.retention.rounds import FIRST, RetentionRounds

log = structlog.get_logger("retention")

T = TypeVar("T")

#: A pass begins so long before the end of the one before, ms; once in this time it begins at the beginning.
OVERLAP: Final = 86_400_000
#: How many jobs or requests are looked at in one read.
WALK: Final = 100
#: The writer is held by one step for about so long, seconds; the size of steps follows.
HELD: Final = 0.002
LARGEST: Final = 25
#: Between steps intake has the store for itself: at least so long, and so many times as long as the step took.
PAUSE: Final = 0.005
SHARE: Final = 4
#: So many free pages stay in the file for what comes in: a tenth of it, but no less and no more than this. SQLite looks
#: through the list of free pages for each one that it gives back: with a long list that takes hours.
FEWEST_SPARE: Final = 256
MOST_SPARE: Final = 50_000
#: Requests that go, and pages that are given back, in the time in which one family goes.
REQUESTS: Final = 4
PAGES: Final = 6
#: Operator events that one step takes away.
OPERATOR_EVENTS: Final = 100


class PrunePace:
    """How much a step does, and how long the next one waits. `rests` False: nobody else is there to wait for."""

    def __init__(self, *, rests: bool = True) -> None:
        self.size = 4
        self._rests = rests

    async def write(self, store: Store, work: Callable[[Transaction], T]) -> T:
        """One step in a write transaction of its own, and the pause after it. Raises StoreUnavailable."""
        began = time.perf_counter()
        value, held = await store.write(partial(_timed, work))
        self.size = max(1, self.size // 2) if held > HELD else min(LARGEST, self.size + 1)
        await self.pause(time.perf_counter() - began)
        return value

    async def pause(self, took: float = 0.0) -> None:
        """Lets others get through."""
        await asyncio.sleep(max(PAUSE, SHARE * took) if self._rests else 0)


def _timed(work: Callable[[Transaction], T], tx: Transaction) -> tuple[T, float]:
    began = time.perf_counter()
    return work(tx), time.perf_counter() - began


async def prune(
    store: Store, before: int, *, after: int = 0, pace: PrunePace | None = None, with_requests: bool = True
) -> Pruned:
    """Takes away what is over and older than the id `before`, and gives the room back; returns what went.

    `after`: what is older than this id is left alone. `with_requests` False: requests have an age of their own. What
    is killed in between is taken up by the next call. Raises StoreUnavailable.
    """
    pace = pace or PrunePace()
    done = Pruned()
    last: int | None = after
    while last is not None:
        found = await store.read(partial(_old_families, last, before))
        done = done.plus(await in_steps(store, found.numbers, partial(_prune_families, before), pace, 1))
        await give_back(store, pace)
        last = found.last
    told = await store.write(partial(_prune_operator_events, before))
    while told.events:
        done = done.plus(told)
        await pace.pause()
        told = await store.write(partial(_prune_operator_events, before))
    last = after if with_requests else None
    while last is not None:
        found = await store.read(partial(_old_requests, last, before, ()))
        done = done.plus(await in_steps(store, found.numbers, _prune_requests, pace, REQUESTS))
        await give_back(store, pace)
        last = found.last
    return done


async def in_steps(
    store: Store,
    numbers: Sequence[int],
    work: Callable[[Sequence[int], Transaction], Pruned],
    pace: PrunePace,
    times: int,
) -> Pruned:
    """Has `work` take these away, some in each write transaction. Raises StoreUnavailable."""
    done = Pruned()
    while numbers:
        size = pace.size * times
        some, numbers = numbers[:size], numbers[size:]
        done = done.plus(await pace.write(store, partial(work, some)))
    await pace.pause()
    return done


def _old_families(after: int, before: int, tx: Transaction) -> OldRows:
    return tx.old_families(after, before, WALK)


def _prune_families(before: int, roots: Sequence[int], tx: Transaction) -> Pruned:
    return tx.prune_families(roots, before)


def _prune_operator_events(before: int, tx: Transaction) -> Pruned:
    tx.prune_refused(tx.made_at(before))
    return tx.prune_operator_events(before, OPERATOR_EVENTS)


def _old_requests(after: int, before: int, going: Collection[int], tx: Transaction) -> OldRows:
    return tx.old_requests(after, before, WALK, going)


def _prune_requests(numbers: Sequence[int], tx: Transaction) -> Pruned:
    return tx.prune_requests(numbers)


async def give_back(store: Store, pace: PrunePace) -> None:
    """Makes the file smaller, but for some room for what comes in. Raises StoreUnavailable."""
    pages = await store.read(_pages)
    while pages.shrinks and pages.free > min(max(FEWEST_SPARE, pages.count // 10), MOST_SPARE):
        count = pages.count
        pages = await pace.write(store, partial(_give_back, pace.size * PAGES))
        if pages.count >= count:
            return


def _pages(tx: Transaction) -> FilePages:
    return tx.pages()


def _give_back(pages: int, tx: Transaction) -> FilePages:
    tx.give_back(pages)
    return tx.pages()


async def would_prune(store: Store, before: int, *, with_requests: bool = True) -> Pruned:
    """What `prune` would take away. Raises StoreUnavailable."""
    done = Pruned()
    going: set[int] = set()
    last: int | None = 0
    while last is not None:
        found = await store.read(partial(_old_families, last, before))
        rows, jobs = await store.read(partial(_family_rows, found.numbers, before))
        done = done.plus(rows)
        going.update(jobs)
        last = found.last
    last = 0 if with_requests else None
    while last is not None:
        found = await store.read(partial(_old_requests, last, before, going))
        done = done.plus(Pruned(requests=len(found.numbers)))
        last = found.last
    return done


def _family_rows(roots: Sequence[int], before: int, tx: Transaction) -> tuple[Pruned, list[int]]:
    return tx.prunable_rows(roots, before)


class PruneWork(Protocol):
    """Takes away what is older than the id `before`, but not than `after`."""

    async def __call__(self, store: Store, before: int, *, after: int) -> Pruned:
        """What went. Raises StoreUnavailable."""
        ...


class Pruner(RetentionRounds):
    """Prunes what is older than a retention: jobs, unless `work` says something else."""

    def __init__(
        self,
        store: Store,
        retention: float,
        clock: Clock,
        *,
        first: float = FIRST,
        work: PruneWork = prune,
        what: str = "jobs",
    ) -> None:
        """`retention` and `first` (until the first pass) are seconds; `what` is how the log calls it."""
        super().__init__(clock, first=first, leads=store.leads)
        self._work = work
        self._what = what
        self._store = store
        self._retention = int(retention * 1000)
        #: When a pass last began at the beginning, Unix ms.
        self._whole_at: int | None = None

    async def tidy(self) -> Pruned:
        """One pass; returns what it took away. Raises StoreUnavailable."""
        began = self._clock()
        oldest = began - self._retention
        whole = self._whole_at is None or began - self._whole_at >= OVERLAP
        after = 0 if whole else await self._store.read(lambda tx: tx.number_at(oldest - OVERLAP))
        before = await self._store.read(lambda tx: tx.number_at(oldest))
        done = await self._work(self._store, before, after=after)
        if whole:
            self._whole_at = began
        log.info(
            "retention.pruned",
            what=self._what,
            before=stamp(oldest),
            **msgspec.structs.asdict(done),
            took_ms=self._clock() - began,
        )
        return done
