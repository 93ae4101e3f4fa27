"""Settles together what ends together: the tries that ended before a commit begins are one work of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from receiver.contracts import HookedStore, Transaction
from receiver.errors import StoreUnavailable
from receiver.model.deliveries import Attempt, Delivery
from receiver.workers.settlement import STORE_WAIT, write_until_kept

log = structlog.get_logger("dispatch")

#: Tries that one commit settles in one work at most.
MOST: Final = 250


class EndedTry(NamedTuple):
    """A try whose outcome is to be written down."""

    #: As it was claimed.
    delivery: Delivery
    after: Delivery
    attempt: Attempt
    #: What else follows from it, where it is still this try's to say; returns the delivery after that.
    follow: Callable[[Transaction], Delivery]


class Settler:
    """Writes down what became of tries; those that end while a commit is written share a work in the next one."""

    def __init__(self, store: HookedStore) -> None:
        """To be made before who claims: what it settles makes room for the claims of the same commit."""
        self._store = store
        self._waiting: list[tuple[EndedTry, asyncio.Future[Delivery | None]]] = []
        self._under_way: list[tuple[EndedTry, asyncio.Future[Delivery | None]]] = []
        #: Those that are settled by themselves.
        self._alone: set[asyncio.Task[None]] = set()
        self._hook = store.hook_commits(self._begin, self._settled, self._failed)

    async def settle(self, ended: EndedTry) -> Delivery | None:
        """The delivery afterwards, once it is on disk, however long the store is unavailable; None: it was fenced.

        Raises what `follow` raised. It is settled too if the caller is cancelled meanwhile.
        """
        done: asyncio.Future[Delivery | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ended, done))
        self._hook.request_commit()
        return await done

    def close(self) -> None:
        """Settles no more."""
        self._hook.close()

    def _begin(self) -> Callable[[Transaction], list[Delivery | None]] | None:
        self._under_way, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            self._hook.request_commit()
        return partial(settle_all, [ended for ended, _ in self._under_way]) if self._under_way else None

    def _settled(self, afters: list[Delivery | None]) -> None:
        for (_, done), after in zip(self._under_way, afters, strict=True):
            if not done.done():
                done.set_result(after)

    def _failed(self, wrong: Exception) -> None:
        if isinstance(wrong, StoreUnavailable):
            log.error("settle.waits", reason=str(wrong))
            self._waiting[:0] = self._under_way
            asyncio.get_running_loop().call_later(STORE_WAIT, self._hook.request_commit)
            return
        for ended, done in self._under_way:  # one of them broke: it must not keep the others from being settled
            task = asyncio.create_task(self._settle_alone(ended, done))
            self._alone.add(task)
            task.add_done_callback(self._alone.discard)

    async def _settle_alone(self, ended: EndedTry, done: asyncio.Future[Delivery | None]) -> None:
        try:
            (after,) = await write_until_kept(self._store, partial(settle_all, [ended]))
        except Exception as wrong:  # noqa: BLE001  # it is told by who waits for it
            if not done.done():
                done.set_exception(wrong)
        else:
            if not done.done():
                done.set_result(after)


def settle_all(ended: Sequence[EndedTry], tx: Transaction) -> list[Delivery | None]:
    """Writes down tries; returns the deliveries after that, None for those that other dispatchers have taken over."""
    ours = tx.settle_all([(one.delivery, one.after) for one in ended])
    tx.add_attempts([(one.delivery.number, one.attempt) for one, is_ours in zip(ended, ours, strict=True) if is_ours])
    return [one.follow(tx) if is_ours else None for one, is_ours in zip(ended, ours, strict=True)]
