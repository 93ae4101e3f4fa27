"""Retention of requests and of progress: both may go before the jobs that they told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from receiver.contracts import OldRows, Pruned, Store, Transaction
from receiver.workers.retention.jobs import REQUESTS, WALK, PrunePace, give_back, in_steps


class EarlyRows(NamedTuple):
    """A kind of rows: how what may go is found (after an id, before an id), and how it goes (before an id)."""

    find: Callable[[int, int, Transaction], OldRows]
    take: Callable[[int, Sequence[int], Transaction], Pruned]
    counted: Callable[[int], Pruned]


def _find_requests(after: int, before: int, tx: Transaction) -> OldRows:
    return tx.spent_requests(after, before, WALK)


def _take_requests(_before: int, numbers: Sequence[int], tx: Transaction) -> Pruned:
    return tx.prune_spent_requests(numbers)


def _find_progress(after: int, before: int, tx: Transaction) -> OldRows:
    return tx.spent_progress(after, before, WALK)


def _take_progress(before: int, numbers: Sequence[int], tx: Transaction) -> Pruned:
    return tx.prune_spent_progress(numbers, before)


#: Requests that told of no job that is still open.
SPENT_REQUESTS: Final = EarlyRows(_find_requests, _take_requests, lambda number: Pruned(requests=number))
#: Progress of jobs that are over, with its deliveries.
SPENT_PROGRESS: Final = EarlyRows(_find_progress, _take_progress, lambda number: Pruned(events=number))


async def prune_early(
    rows: EarlyRows, store: Store, before: int, *, after: int = 0, pace: PrunePace | None = None
) -> Pruned:
    """Takes away rows of this kind between two ids, and gives the room back; returns what went.

    Raises StoreUnavailable.
    """
    pace = pace or PrunePace()
    done = Pruned()
    last: int | None = after
    while last is not None:
        found = await store.read(partial(rows.find, last, before))
        done = done.plus(await in_steps(store, found.numbers, partial(rows.take, before), pace, REQUESTS))
        await give_back(store, pace)
        last = found.last
    return done


async def would_prune_early(rows: EarlyRows, store: Store, before: int) -> Pruned:
    """What `prune_early` would take away, deliveries left out. Raises StoreUnavailable."""
    done = Pruned()
    last: int | None = 0
    while last is not None:
        found = await store.read(partial(rows.find, last, before))
        done = done.plus(rows.counted(len(found.numbers)))
        last = found.last
    return done
