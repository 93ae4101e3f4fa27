"""Round trips of a commit, counted: a batch of any size takes two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from receiver.contracts import LaneLimits, Transaction
from receiver.contracts.setup import Setup
from receiver.model.deliveries import Delivery
from receiver.store.postgres.store import PostgresStore
from support.records import NOW, a_source
from support.round_trips import CountingProxy, counted
from support.taking import take
from support.world import PICKED, TELL, Clock

SETUP = Setup(sources={"journey": a_source()}, rules=(TELL,), sinks=frozenset({"team"}))
LANE = "sink:team"


def webhooks(first: int, count: int = 64, **fields: object) -> list[Callable[[Transaction], Any]]:
    """Works that take a webhook in each, of the jobs from this number on."""
    bodies = [{**PICKED, **fields, "task_id": f"task-{number}"} for number in range(first, first + count)]
    return [partial(take, body=body, setup=SETUP) for body in bodies]


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
            await trips(store, proxy, webhooks(100))
            of = LaneLimits(LANE, 100, 100, NOW + 90_000)
            claimed = (await store.write(lambda tx: tx.claim([of], NOW))).deliveries
            assert len(claimed) == 65

            def settle(tx: Transaction, delivery: Delivery) -> bool:
                return tx.settle(delivery, msgspec.structs.replace(delivery, state="done"))

            batches = [[partial(settle, delivery=one) for one in claimed[at : at + 22]] for at in (0, 22, 44)]
            assert await fewest(store, proxy, batches) == 2
            assert await store.read(lambda tx: tx.counts().deliveries["running"]) == 0
            assert not any([await store.write(partial(settle, delivery=one)) for one in claimed[:2]])


async def test_what_a_webhook_leads_to_is_the_same_as_on_sqlite(postgres: str, database: str) -> None:
    """Of a batch with new jobs, repeats of them in the same commit, and progress behind the end."""
    from receiver.store.opening import database_at

    async with database_at(database, Clock()) as store:
        works = [*webhooks(0, 4, status="running"), *webhooks(0, 8), *webhooks(0, 4), *webhooks(2, 2, status="running")]
        results = await asyncio.gather(*(store.write(work) for work in works))
        assert [result.events for result in results] == [1] * 4 + [1] * 8 + [0] * 4 + [0] * 2
        assert await store.read(lambda tx: len(tx.events_after(0, 1000))) == 12
        assert await store.read(lambda tx: tx.counts().deliveries["pending"]) == 8
