"""Round trips of a commit, counted: a batch of any size takes two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from receiver.contracts import LaneLimits, Transaction
from receiver.contracts.setup import Setup
from receiver.model.deliveries import Accepted, Delivery, order_lane
from receiver.store.postgres.store import PostgresStore
from receiver.workers.order_outcomes import begin_order, settle_order
from receiver.workers.sinks import outgoing_event
from support.money import a_day
from support.records import NOW, a_report, a_source
from support.round_trips import CountingProxy, counted
from support.taking import take
from support.world import AUTO_HD, PICKED, TELL, Clock

SETUP = Setup(sources={"journey": a_source()}, rules=(TELL,), sinks=frozenset({"team"}))
LANE = "sink:team"


def webhooks(
    first: int, count: int = 64, *, setup: Setup = SETUP, **fields: object
) -> list[Callable[[Transaction], Any]]:
    """Works that take a webhook in each, of the jobs from this number on."""
    bodies = [{**PICKED, **fields, "task_id": f"task-{number}"} for number in range(first, first + count)]
    return [partial(take, body=body, setup=setup) for body in bodies]


async def trips(store: PostgresStore, proxy: CountingProxy, works: Sequence[Callable[[Transaction], Any]]) -> int:
    """How many round trips the writer took for works that share a commit."""
    before = list(proxy.turns)
    await asyncio.gather(*(store.write(work) for work in works))
    # The reader and the watcher were there first; the writer is the last one.
    return proxy.turns[-1] - before[-1]


async def fewest(
    store: PostgresStore, proxy: CountingProxy, batches: Sequence[Sequence[Callable[[Transaction], Any]]]
) -> int:
    """The round trips of the batch that took the fewest: now and then something else of the writer's falls between."""
    return min([await trips(store, proxy, works) for works in batches])


async def ready(store: PostgresStore) -> None:
    """What is kept once for all jobs of a kind is there, and the writer is connected."""
    await asyncio.gather(*(store.write(work) for work in webhooks(0, 1)))


async def test_new_jobs_repeats_and_progress_take_two_round_trips_however_many(postgres: str) -> None:
    with counted(postgres) as (proxy, address):
        async with PostgresStore(address, Clock()) as store:
            await ready(store)
            for status, firsts in ((None, (100, 300, 500)), (None, (100, 300, 500)), ("running", (700, 900, 1100))):
                fields: dict[str, Any] = {} if status is None else {"status": status}
                assert await fewest(store, proxy, [webhooks(first, **fields) for first in firsts]) == 2
            assert await fewest(store, proxy, [webhooks(first) for first in (700, 900, 1100)]) == 2
            assert await store.read(lambda tx: len(tx.events_after(0, 1000))) == 1 + 3 * (64 + 64 + 64)


async def test_settling_takes_two_round_trips_however_many(postgres: str) -> None:
    with counted(postgres) as (proxy, address):
        async with PostgresStore(address, Clock()) as store:
            await ready(store)
            for first in (100, 200, 300):
                await trips(store, proxy, webhooks(first))
            of = LaneLimits(LANE, 1000, 1000, NOW + 90_000)
            claimed = (await store.write(lambda tx: tx.claim([of], NOW))).deliveries
            assert len(claimed) == 1 + 3 * 64

            def settle(tx: Transaction, delivery: Delivery) -> bool:
                return tx.settle(delivery, msgspec.structs.replace(delivery, state="done"))

            batches = [[partial(settle, delivery=one) for one in claimed[at : at + 64]] for at in (0, 64, 128)]
            assert await fewest(store, proxy, batches) == 2
            assert await store.read(lambda tx: tx.counts().deliveries["running"]) == 1
            assert not any([await store.write(partial(settle, delivery=one)) for one in claimed[:2]])


async def test_follow_ups_within_a_budget_take_four_round_trips_at_most(postgres: str) -> None:
    """Of jobs that are known: each is folded, its follow-up looked for, held against the budget and planned."""
    setup = msgspec.structs.replace(SETUP, rules=(AUTO_HD, TELL), limits=a_day("100000"))
    with counted(postgres) as (proxy, address):
        async with PostgresStore(address, Clock()) as store:
            await asyncio.gather(*(store.write(work) for work in webhooks(0, 1, setup=setup)))
            firsts = (100, 300, 500)
            for first in firsts:
                await trips(store, proxy, webhooks(first, setup=setup, status="running"))
            assert await fewest(store, proxy, [webhooks(first, setup=setup) for first in firsts]) <= 4
            counts = await store.read(lambda tx: tx.counts())
            assert counts.jobs["journey", "planned"] == 1 + 3 * 64
            sums = await store.read(lambda tx: tx.cost_sums(0, of=("source", "journey")))
            assert sum(one.amount for one in sums) == 2 * (1 + 3 * 64)


async def test_claims_of_any_number_of_lanes_take_one_round_trip_more(postgres: str) -> None:
    lanes = [LaneLimits(LANE, 1000, 1000, NOW + 90_000)]
    lanes += [LaneLimits(f"sink:{number}", 10, 10, NOW + 90_000, rate=5.0) for number in range(12)]

    def claim(tx: Transaction) -> int:
        """As a dispatcher does: with what each try needs."""
        claimed = tx.claim(lanes, NOW).deliveries
        outgoing = [outgoing_event(tx, one) for one in claimed]
        assert all(one.event.type == "job.completed" for one in outgoing)
        return len(outgoing)

    with counted(postgres) as (proxy, address):
        async with PostgresStore(address, Clock()) as store:
            await ready(store)
            assert await store.write(claim) == 1
            assert await fewest(store, proxy, [[*webhooks(first), claim] for first in (100, 200, 300)]) == 3
            assert await store.read(lambda tx: tx.counts().deliveries["running"]) == 1 + 3 * 64


async def test_orders_begin_and_end_in_four_round_trips_at_most(postgres: str) -> None:
    setup = msgspec.structs.replace(SETUP, rules=(AUTO_HD,))
    source = setup.sources["journey"]
    lane = LaneLimits(order_lane("journey"), 1000, 1000, NOW + 90_000, source="journey")

    def accept(tx: Transaction, delivery: Delivery) -> str:
        report = a_report("queued", f"order-{delivery.number}")
        return settle_order(tx, setup, delivery, Accepted(report=report, status=200), NOW, NOW, 0.5).name

    with counted(postgres) as (proxy, address):
        async with PostgresStore(address, Clock()) as store:
            for first in (0, 100, 200):
                await trips(store, proxy, webhooks(first, setup=setup))
            claimed = (await store.write(lambda tx: tx.claim([lane], NOW))).deliveries
            assert len(claimed) == 3 * 64
            batches = [claimed[at : at + 64] for at in (0, 64, 128)]
            begun = [[partial(begin_order, source=source, delivery=one, now=NOW) for one in some] for some in batches]
            assert await fewest(store, proxy, begun) <= 3
            ended = [[partial(accept, delivery=one) for one in some] for some in batches]
            assert await fewest(store, proxy, ended) <= 4
            assert (await store.read(lambda tx: tx.counts())).jobs == {("journey", "queued"): 3 * 64}


async def test_what_a_webhook_leads_to_is_the_same_as_on_sqlite(postgres: str, database: str) -> None:
    """Of a batch with new jobs, repeats of them in the same commit, and progress behind the end."""
    from receiver.store.opening import database_at

    async with database_at(database, Clock()) as store:
        works = [*webhooks(0, 4, status="running"), *webhooks(0, 8), *webhooks(0, 4), *webhooks(2, 2, status="running")]
        results = await asyncio.gather(*(store.write(work) for work in works))
        assert [result.events for result in results] == [1] * 4 + [1] * 8 + [0] * 4 + [0] * 2
        assert await store.read(lambda tx: len(tx.events_after(0, 1000))) == 12
        assert await store.read(lambda tx: tx.counts().deliveries["pending"]) == 8
