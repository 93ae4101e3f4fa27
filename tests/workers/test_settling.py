"""What ends together is settled in one work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from receiver.contracts import Database, Transaction
from receiver.errors import StoreUnavailable
from receiver.model.deliveries import Attempt, Delivery
from receiver.workers import settling
from receiver.workers.settling import EndedTry, Settler, settle_all
from support.claiming import claim
from support.records import AT, NOW
from support.stores import a_store
from support.world import Clock, memory_transaction


@asynccontextmanager
async def running(path: Path, count: int) -> AsyncIterator[tuple[Database, list[Delivery]]]:
    """So many deliveries that were claimed."""
    async with a_store(path / "a.db", Clock()) as store:
        yield store, await store.write(lambda tx: claimed(tx, count))


def claimed(tx: Transaction, count: int) -> list[Delivery]:
    for number in range(1, count + 1):
        tx.add_delivery(Delivery(number=number, lane="sink:a", job=1, event=number, due_at=NOW))
    return claim(tx, "sink:a", count, NOW, NOW + 60_000)


def ended(delivery: Delivery, wrong: Exception | None = None) -> EndedTry:
    """It was delivered; `wrong` is raised by what follows from that."""

    def follow(_: Transaction) -> Delivery:
        if wrong is not None:
            raise wrong
        return after

    after = msgspec.structs.replace(delivery, state="done")
    return EndedTry(delivery, after, Attempt(number=1, started_at=AT, took_ms=1, outcome="delivered"), follow)


def kept(tx: Transaction, count: int) -> list[tuple[str, int]]:
    """State and number of attempts of each."""
    found = [(tx.delivery(number), tx.attempts(number)) for number in range(1, count + 1)]
    return [(delivery.state, len(attempts)) for delivery, attempts in found if delivery is not None]


async def test_tries_that_end_together_are_one_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works: list[int] = []

    def counted(several: list[EndedTry], tx: Transaction) -> list[Delivery | None]:
        works.append(len(several))
        return settle_all(several, tx)

    monkeypatch.setattr(settling, "settle_all", counted)
    async with running(tmp_path, 20) as (store, deliveries):
        settler = Settler(store)
        afters = await asyncio.gather(*(settler.settle(ended(one)) for one in deliveries))
        assert {after.state for after in afters if after is not None} == {"done"}
        assert await store.read(lambda tx: kept(tx, 20)) == [("done", 1)] * 20
        # The works of this package's tests run five times each.
        assert set(works) == {20}
        settler.close()


@pytest.mark.parametrize("count", [4, 20])
def test_only_what_is_still_this_tries_is_settled(count: int) -> None:
    tx = memory_transaction()
    deliveries = claimed(tx, count)
    tx.settle(deliveries[1], msgspec.structs.replace(deliveries[1], state="dead"))
    tx.put_delivery(msgspec.structs.replace(deliveries[2], attempt=2))
    afters = settle_all([ended(one) for one in deliveries], tx)
    assert [after is not None for after in afters] == [True, False, False, *[True] * (count - 3)]
    assert kept(tx, count) == [("done", 1), ("dead", 0), ("running", 0), *[("done", 1)] * (count - 3)]


async def test_one_that_breaks_keeps_no_other_from_being_settled(tmp_path: Path) -> None:
    async with running(tmp_path, 3) as (store, deliveries):
        settler = Settler(store)
        tries = [ended(one, ValueError("a bug") if one.number == 2 else None) for one in deliveries]
        afters = await asyncio.gather(*map(settler.settle, tries), return_exceptions=True)
        assert isinstance(afters[1], ValueError)
        assert await store.read(lambda tx: kept(tx, 3)) == [("done", 1), ("running", 0), ("done", 1)]
        settler.close()


async def test_a_store_that_is_unavailable_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "STORE_WAIT", 0.001)
    full = True

    def follow(_: Transaction) -> Delivery:
        if full:
            told.set()
            raise StoreUnavailable("the disk is full")
        return deliveries[0]

    told = threading.Event()
    async with running(tmp_path, 1) as (store, deliveries):
        settler = Settler(store)
        waiting = asyncio.create_task(settler.settle(ended(deliveries[0])._replace(follow=follow)))
        await asyncio.to_thread(told.wait, 20)
        full = False
        assert await waiting == deliveries[0]
        assert await store.read(lambda tx: kept(tx, 1)) == [("done", 1)]
        settler.close()


async def test_more_than_one_work_takes_are_settled_by_the_commits_that_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MOST", 3)
    async with running(tmp_path, 8) as (store, deliveries):
        settler = Settler(store)
        async with asyncio.timeout(20):
            await asyncio.gather(*(settler.settle(ended(one)) for one in deliveries))
        assert await store.read(lambda tx: kept(tx, 8)) == [("done", 1)] * 8
        settler.close()
