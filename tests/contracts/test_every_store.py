"""What every store promises of claims, leases and duties; two of them on one database are two processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import pytest

from receiver.contracts import ClaimedDue, Database, Filters, LaneLimits, Transaction
from receiver.contracts.traces import TraceOrigin
from receiver.model.deliveries import Delivery, order_lane
from receiver.model.destinations import Destination
from receiver.model.events import KeptEvent
from receiver.store.opening import database_at
from support.records import NOW, a_job
from support.world import Clock

LANE: Final = "sink:team"
LEASE: Final = NOW + 90_000


@asynccontextmanager
async def two(address: str, clock: Clock) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes on one database, as far as it can tell."""
    async with database_at(address, clock) as one, database_at(address, clock) as other:
        yield one, other


def limits(concurrency: int = 4, at_once: int = 32, rate: float | None = None, lane: str = LANE) -> LaneLimits:
    return LaneLimits(lane, concurrency, at_once, LEASE, rate)


def fill(tx: Transaction, count: int, lane: str = LANE) -> None:
    """So many due deliveries."""
    numbers = range(1, count + 1)
    keep((Delivery(number=number, lane=lane, job=number, event=number, due_at=NOW) for number in numbers), tx)


def keep(deliveries: Iterable[Delivery], tx: Transaction) -> None:
    for delivery in deliveries:
        tx.add_delivery(delivery)


def plan(tx: Transaction) -> None:
    """The jobs 1 to 9, planned."""
    for number in range(1, 10):
        tx.add_job(a_job(number, status="planned", intent=str(number)))


async def claimed(store: Database, of: LaneLimits, now: int = NOW) -> ClaimedDue:
    return await store.write(lambda tx: tx.claim([of], now))


async def end(store: Database, delivery: Delivery) -> None:
    """The delivery is over."""
    assert await store.write(lambda tx: tx.settle(delivery, msgspec.structs.replace(delivery, state="done")))


async def test_a_lane_has_its_concurrency_once_however_many_processes_claim(database: str) -> None:
    async with two(database, Clock()) as (one, other):
        await one.write(lambda tx: fill(tx, 9))
        first = await claimed(one, limits(at_once=3))
        second = await claimed(other, limits(at_once=3))
        assert [len(first.deliveries), len(second.deliveries)] == [3, 1]
        assert {one.number for one in (*first.deliveries, *second.deliveries)} == {1, 2, 3, 4}
        # The first could have begun one more; the second waits until one is over.
        assert (first.wake, second.wake) == (NOW, None)
        assert (await claimed(one, limits())).deliveries == []
        await end(one, first.deliveries[0])
        assert len((await claimed(other, limits())).deliveries) == 1


async def test_a_claim_in_the_commit_that_settles_one_has_its_place(database: str) -> None:
    async with two(database, Clock()) as (one, _):
        await one.write(lambda tx: fill(tx, 2))
        (running,) = (await claimed(one, limits(concurrency=1))).deliveries

        def work(tx: Transaction) -> list[Delivery]:
            assert tx.settle(running, Delivery(number=1, lane=LANE, job=1, event=1, due_at=NOW, state="done"))
            return tx.claim([limits(concurrency=1)], NOW).deliveries

        assert [one.number for one in await one.write(work)] == [2]


async def test_a_lane_keeps_its_rate_however_many_processes_claim(database: str) -> None:
    async with two(database, Clock()) as (one, other):
        await one.write(lambda tx: fill(tx, 9))
        began: list[int] = []
        for now in range(NOW, NOW + 1000, 10):
            for store in (one, other):
                found = await claimed(store, limits(concurrency=100, rate=4.0), now)
                began += [now] * len(found.deliveries)
                assert found.wake is not None
                assert now < found.wake <= now + 250
        assert began == [NOW, NOW + 250, NOW + 500, NOW + 750]


async def test_a_rate_does_not_hold_a_lane_up_when_the_clock_is_set_back(database: str) -> None:
    async with two(database, Clock()) as (one, _):
        await one.write(lambda tx: fill(tx, 2))
        assert len((await claimed(one, limits(rate=1.0), NOW + 3_600_000)).deliveries) == 1
        assert len((await claimed(one, limits(rate=1.0), NOW)).deliveries) == 1


async def test_a_claim_that_is_not_kept_uses_up_no_rate(database: str) -> None:
    def broken(tx: Transaction) -> None:
        assert len(tx.claim([limits(rate=1.0)], NOW).deliveries) == 1
        raise ValueError("a neighbour's bug")

    async with two(database, Clock()) as (one, _):
        await one.write(lambda tx: fill(tx, 1))
        with pytest.raises(ValueError, match="bug"):
            await one.write(broken)
        assert len((await claimed(one, limits(rate=1.0))).deliveries) == 1


async def test_a_destination_is_waited_for_by_all_and_probed_by_one(database: str) -> None:
    async with two(database, Clock()) as (one, other):
        await one.write(lambda tx: fill(tx, 9))
        await one.write(lambda tx: tx.put_destination(Destination(lane=LANE, wait_until=NOW + 500)))
        assert await claimed(other, limits()) == ClaimedDue([], NOW + 500)
        paused = Destination(lane=LANE, wait_until=NOW, failures=3, paused_at=NOW)
        await one.write(lambda tx: tx.put_destination(paused))
        assert len((await claimed(other, limits())).deliveries) == 1
        assert await claimed(one, limits()) == ClaimedDue([], LEASE)


@pytest.mark.parametrize("status", ["submitting", "queued", "running"])
async def test_the_jobs_that_a_vendor_works_on_take_up_the_concurrency_of_its_lane(database: str, status: str) -> None:
    lane = order_lane("journey")
    of = LaneLimits(lane, 2, 32, LEASE, source="journey")
    async with two(database, Clock()) as (one, other):
        await one.write(lambda tx: fill(tx, 9, lane))
        await one.write(plan)
        working = a_job(10, status=status, intent="10")  # type: ignore[arg-type]
        await one.write(lambda tx: tx.add_job(working))
        assert [len((await claimed(store, of)).deliveries) for store in (one, other)] == [1, 0]
        await one.write(lambda tx: tx.put_job(working.with_job(status="completed")))
        assert [len((await claimed(store, of)).deliveries) for store in (one, other)] == [1, 0]


async def test_all_lanes_are_claimed_in_one_call(database: str) -> None:
    async with two(database, Clock()) as (one, _):
        due = [Delivery(number=n, lane=lane, job=1, event=1, due_at=NOW) for n, lane in ((2, "sink:a"), (3, "sink:b"))]
        later = Delivery(number=1, lane="sink:c", job=1, event=1, due_at=NOW + 700)
        await one.write(partial(keep, (*due, later)))
        found = await one.write(
            lambda tx: tx.claim([limits(lane=lane) for lane in ("sink:a", "sink:b", "sink:c", "sink:none")], NOW)
        )
        assert sorted(one.lane for one in found.deliveries) == ["sink:a", "sink:b"]
        assert found.wake == NOW + 700
        assert {(one.state, one.attempt, one.due_at) for one in found.deliveries} == {("running", 1, LEASE)}
        assert await one.write(lambda tx: tx.claim([], NOW)) == ClaimedDue([], None)


async def test_what_a_process_claimed_is_lost_to_the_one_after_it_and_not_to_itself(database: str) -> None:
    clock = Clock()
    async with database_at(database, clock) as other:
        async with database_at(database, clock) as one:
            await one.write(lambda tx: fill(tx, 1))
            await claimed(one, limits())
            assert await one.read(lambda tx: tx.lost(NOW)) == []
        assert [one.number for one in await other.read(lambda tx: tx.lost(NOW))] == [1]


async def test_one_process_leads_and_the_next_one_does_when_it_is_gone(database: str) -> None:
    clock = Clock()
    async with database_at(database, clock) as other:
        async with database_at(database, clock) as one:
            assert (one.clock(), one.leads(), other.dispatched()) == (clock(), False, False)
            await one.own_dispatching()
            assert (one.leads(), other.leads(), other.dispatched()) == (True, False, True)
            assert await other.read(lambda _: other.dispatched())
        await other.own_dispatching()
        assert other.leads()


async def test_jobs_are_found_by_their_prompt_and_requests_and_progress_go_early(database: str) -> None:
    """Statements that each engine has its own functions for."""
    async with database_at(database, Clock()) as store:
        kept = a_job(1, prompt="A Red Fox")
        await store.write(lambda tx: tx.add_job(kept))
        found = await store.read(lambda tx: [len(tx.jobs(Filters(prompt=text))) for text in ("red fox", "heron")])
        assert found == [1, 0]
        event = KeptEvent(number=5, job=1, type="job.progress", key=1, at=NOW, data=kept.job)
        assert await store.write(lambda tx: tx.add_event(event))
        assert await store.read(lambda tx: list(tx.spent_progress(0, 1 << 62, 10).numbers)) == []
        await store.write(lambda tx: tx.put_job(kept.with_job(status="completed")))
        assert await store.read(lambda tx: list(tx.spent_progress(0, 1 << 62, 10).numbers)) == [5]
        assert (await store.write(lambda tx: tx.prune_spent_progress([5], 1 << 62))).events == 1
        assert await store.read(lambda tx: (tx.oldest_pending(LANE), tx.origin(1, 9))) == (None, None)


async def test_what_metrics_and_traces_ask_is_answered(database: str) -> None:
    """Statements of figures, as each engine takes them."""
    async with database_at(database, Clock()) as store:
        request = 7 << 22
        told, late = request + 1, request + (1 << 40)
        await store.write(lambda tx: tx.add_job(a_job(1)))
        for number, key in ((told, 1), (late, 2)):
            event = KeptEvent(
                number=number, job=1, type="job.updated", key=key, at=NOW, data=a_job(1).job, request=request
            )
            await store.write(partial(add, event))
        made = await store.read(lambda tx: tx.events_made_with(request))
        assert [(one.number, one.job, one.type) for one in made] == [(told, 1, "job.updated")]
        assert await store.read(lambda tx: tx.origin(1, told)) == TraceOrigin(request=request, event=told)
        assert await store.read(lambda tx: tx.origin(1, late)) == TraceOrigin(request=request, event=None)
        await store.write(lambda tx: tx.add_deliveries(event, [LANE], NOW))
        assert await store.read(lambda tx: [tx.overdue(LANE, NOW + by) for by in (-1, 0, 1)]) == [0, 1, 1]
        assert await store.read(lambda tx: tx.counts().replicas) == 1


def add(event: KeptEvent, tx: Transaction) -> None:
    assert tx.add_event(event)
