"""Recovery while others run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from receiver.contracts import LaneLimits, Transaction
from receiver.contracts.setup import Setup
from receiver.model.deliveries import Delivery
from receiver.model.jobs import Status
from receiver.store.sqlite.store import SqliteStore
from receiver.workers.order_outcomes import recover
from receiver.workers.recovery import Recovery
from support.records import NOW, a_job
from support.world import Clock


async def claimed_by_one_that_is_gone(path: Path) -> None:
    """A delivery is claimed on the database at `path`."""
    async with SqliteStore(path, Clock()) as gone:
        await gone.write(lambda tx: tx.add_delivery(Delivery(number=1, lane="sink:a", job=1, event=1, due_at=NOW)))
        await gone.write(lambda tx: tx.claim([LaneLimits("sink:a", 1, 1, NOW + 10**9)], NOW))


async def state(store: SqliteStore) -> str:
    delivery = await store.read(lambda tx: tx.delivery(1))
    assert delivery is not None
    return delivery.state


async def test_what_is_lost_while_a_server_runs_is_taken_back_by_who_leads(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await store.own_dispatching()
        recovery = Recovery(store, Setup(sources={}), every=0.001)
        await recovery.start()
        watch = store.watch()
        await claimed_by_one_that_is_gone(store.path)
        async with asyncio.timeout(20):
            while await state(store) != "pending":
                await watch.wait(0.01)
        watch.close()
        await recovery.stop()


async def test_who_does_not_lead_takes_back_at_its_start_and_then_leaves_it_to_others(tmp_path: Path) -> None:
    asked: asyncio.Queue[bool] = asyncio.Queue()

    class Counting(SqliteStore):
        def leads(self) -> bool:
            asked.put_nowait(super().leads())
            return super().leads()

    async with Counting(tmp_path / "a.db", Clock()) as store:
        recovery = Recovery(store, Setup(sources={}), every=0.001)
        await claimed_by_one_that_is_gone(store.path)
        await recovery.start()
        assert await state(store) == "pending"
        await claimed_again(store)
        async with asyncio.timeout(20):
            assert [await asked.get() for _ in range(3)] == [False] * 3
        assert await state(store) == "running"
        await recovery.stop()


async def claimed_again(store: SqliteStore) -> None:
    """The delivery is running, claimed by another process."""
    async with SqliteStore(store.path, Clock()) as gone:
        await gone.write(lambda tx: tx.claim([LaneLimits("sink:a", 1, 1, NOW + 10**9)], NOW))


async def test_an_order_of_a_source_that_is_gone_too_becomes_unsure_if_it_may_have_been_sent(tmp_path: Path) -> None:
    def planned(tx: Transaction) -> None:
        statuses: tuple[Status, ...] = ("submitting", "planned")
        for number, status in enumerate(statuses, 1):
            tx.add_job(a_job(number, status=status, intent=f"i{number}", provider_job_id=None))
            tx.add_delivery(Delivery(number=number, lane="order:journey", job=number, event=None, due_at=NOW))

    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        async with SqliteStore(store.path, Clock()) as gone:
            await gone.write(planned)
            await gone.write(lambda tx: tx.claim([LaneLimits("order:journey", 2, 2, NOW + 10**9)], NOW))
        assert await store.write(lambda tx: recover(tx, Setup(sources={}), NOW)) == 2
        jobs = await store.read(lambda tx: [tx.job(number) for number in (1, 2)])
        deliveries = await store.read(lambda tx: [tx.delivery(number) for number in (1, 2)])
    assert [kept.job.status for kept in jobs if kept] == ["unsure", "planned"]
    assert [one.state for one in deliveries if one] == ["done", "pending"]
