"""Group commit: what waits together, and what is called afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
import structlog

from receiver.contracts import Filters, Transaction
from receiver.errors import StoreUnavailable
from receiver.store.opening import database_at
from support.records import a_job
from support.world import Clock


def telling(number: int, called: list[int], wrong: Exception | None = None) -> Callable[[Transaction], None]:
    """Work that keeps a job, and wants a call afterwards; it breaks if `wrong` is given."""

    def work(tx: Transaction) -> None:
        tx.add_job(a_job(number, intent=f"intent-{number}"))
        tx.afterwards(lambda: called.append(number))
        if wrong is not None:
            raise wrong

    return work


async def test_what_is_wanted_afterwards_is_called_once_though_a_neighbour_fails(database: str) -> None:
    called: list[int] = []
    async with database_at(database, Clock()) as store:
        works = [telling(1, called), telling(2, called, ValueError("broken")), telling(3, called)]
        await asyncio.gather(*map(store.write, works), return_exceptions=True)
        assert called == [1, 3]


async def test_nothing_is_called_afterwards_if_nothing_is_on_disk(database: str) -> None:
    called: list[int] = []
    async with database_at(database, Clock()) as store:
        with pytest.raises(StoreUnavailable):
            await store.write(telling(1, called, StoreUnavailable("the disk is full")))
        await store.write(lambda tx: None)
        assert called == []


async def test_who_waits_for_a_write_finds_that_what_was_wanted_afterwards_was_called(database: str) -> None:
    called: list[int] = []
    async with database_at(database, Clock()) as store:
        for number in range(1, 5):
            await store.write(telling(number, called))
            assert called[-1] == number


async def test_what_breaks_afterwards_keeps_nobody_waiting(database: str) -> None:
    def broken(tx: Transaction) -> str:
        tx.afterwards(partial(int, "no number"))  # type: ignore[arg-type]
        return "kept"

    async with database_at(database, Clock()) as store:
        with structlog.testing.capture_logs() as logged:
            assert await store.write(broken) == "kept"
        assert [line["event"] for line in logged] == ["store.afterwards_broke"]
        await store.write(telling(1, []))
        assert len(await store.read(lambda tx: tx.jobs(Filters()))) == 1
