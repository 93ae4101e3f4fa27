"""What every store promises of commits; two of them on one database are two processes."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg
import pytest

from receiver.contracts import ClaimedDue, Database, Filters, LaneLimits, Transaction
from receiver.contracts.setup import Setup
from receiver.lib import ids
from receiver.model.deliveries import Delivery
from receiver.model.events import KeptEvent
from receiver.store.opening import database_at
from support.money import a_day
from support.records import NOW, a_job, a_source
from support.taking import take
from support.world import AUTO_HD, PICKED, TELL, Clock

#: What an engine raises where an index stops a second row.
DOUBLE: Final = (sqlite3.IntegrityError, psycopg.IntegrityError)


def put(number: int) -> Callable[[Transaction], None]:
    """Work that keeps a job."""
    return lambda tx: tx.add_job(a_job(number, intent=f"intent-{number}"))


async def count(store: Database) -> int:
    """How many jobs are kept."""
    return len(await store.read(lambda tx: tx.jobs(Filters(limit=500))))


def tell(request: int) -> Callable[[Transaction], int]:
    """Work that keeps an event of a job of its own; returns the event's number."""

    def work(tx: Transaction) -> int:
        kept = a_job(tx.ids.next(), intent=f"intent-{request}")
        number = tx.ids.next()
        tx.add_event(KeptEvent(number=number, job=kept.number, type="job.progress", key=1, at=NOW, data=kept.job))
        return number

    return work


async def test_what_waits_together_shares_a_commit(database: str) -> None:
    commits = 0

    def counted(_: None) -> None:
        nonlocal commits
        commits += 1

    async with database_at(database, Clock()) as store:
        store.hook_commits(lambda: lambda tx: None, counted, lambda wrong: None)
        await asyncio.gather(*(store.write(put(number)) for number in range(1, 201)))
        assert await count(store) == 200
    assert commits < 20


async def test_a_neighbour_that_fails_takes_nobody_with_it(database: str) -> None:
    def broken(tx: Transaction) -> None:
        tx.add_job(a_job(99, intent="intent-99"))
        raise ValueError("broken")

    async with database_at(database, Clock()) as store:
        results = await asyncio.gather(
            store.write(put(1)),
            store.write(broken),
            store.write(put(2)),
            return_exceptions=True,
        )
        assert [type(result).__name__ for result in results] == ["NoneType", "ValueError", "NoneType"]
        assert await count(store) == 2


async def test_who_has_gone_keeps_nobody_else_from_being_told(database: str) -> None:
    async with database_at(database, Clock()) as store:
        gone = asyncio.create_task(store.write(put(1)))
        await asyncio.sleep(0)
        gone.cancel()
        await store.write(put(2))
        await store.write(put(3))
        assert await count(store) == 3


async def test_the_index_stops_a_second_job_for_one_intent(database: str) -> None:
    async with database_at(database, Clock()) as store:
        await store.write(lambda tx: tx.add_job(a_job(1, intent="same")))
        with pytest.raises(DOUBLE):
            await store.write(lambda tx: tx.add_job(a_job(2, intent="same")))


async def test_a_new_job_never_takes_another_ones_place(database: str) -> None:
    first = a_job(1, intent=None, provider_job_id="first")
    async with database_at(database, Clock()) as store:
        await store.write(lambda tx: tx.add_job(first))
        with pytest.raises(DOUBLE):
            await store.write(lambda tx: tx.add_job(a_job(1, intent=None, provider_job_id="second")))
        assert await store.read(lambda tx: tx.job_at("journey", "first")) == first


async def test_a_change_of_a_job_that_is_not_there_fails(database: str) -> None:
    async with database_at(database, Clock()) as store:
        with pytest.raises(LookupError, match="is not kept"):
            await store.write(lambda tx: tx.put_job(a_job(1)))
        assert await count(store) == 0


async def test_what_was_written_is_there_after_reopening_with_the_same_ref_key(database: str) -> None:
    async with database_at(database, Clock()) as store:
        await store.write(put(1))
        key = store.ref_key
    async with database_at(database, Clock()) as store:
        assert await count(store) == 1
        assert store.ref_key == key
        assert len(key) == 32


async def test_a_watch_is_told_of_commits_of_its_own_and_of_other_processes(database: str) -> None:
    async with database_at(database, Clock()) as one, database_at(database, Clock()) as other:
        watch = one.watch()
        await one.write(put(1))
        assert await watch.wait(5)
        while await watch.wait(0.5):
            pass
        await other.write(put(2))
        assert await watch.wait(5)
        watch.close()


async def test_events_of_several_processes_are_followed_in_the_order_of_their_commits(database: str) -> None:
    slow = Clock(NOW - 900)  # its ids would be smaller than those that were committed before
    async with database_at(database, Clock()) as one, database_at(database, slow) as other:
        committed: list[int] = []
        followed: list[int] = []
        for request in range(200):
            committed.append(await (other if request % 2 else one).write(tell(request)))
            after = followed[-1] if followed else 0
            new = await one.read(lambda tx, after=after: tx.events_after(after, 9))  # type: ignore[misc]
            followed += [ids.read("evt", msgspec.json.decode(body)["id"]) or 0 for body in new]
        assert followed == committed


async def test_processes_that_write_at_the_same_moment_share_no_number(database: str) -> None:
    async with database_at(database, Clock()) as one, database_at(database, Clock()) as other:
        writes = [store.write(tell(request)) for request in range(100) for store in (one, other)]
        numbers = await asyncio.gather(*writes)
        assert len(set(numbers)) == 200


async def kept_of_a_mixed_past(address: str) -> tuple[Any, ...]:
    """What is kept of webhooks of all kinds, which come many at a time: what a database holds, but for ids."""
    setup = Setup(sources={"journey": a_source()}, rules=(AUTO_HD, TELL), sinks=frozenset({"team"}), limits=a_day("30"))
    posts: list[dict[str, object]] = [
        {**PICKED, "task_id": f"task-{number}", **more}
        for number in range(20)
        for more in ({"status": "running", "percentage": "50"}, {}, {}, {"status": "failed", "error": "no"})
    ]
    random.Random(7).shuffle(posts)  # noqa: S311 - the same order each time
    async with database_at(address, Clock()) as store:
        for at in range(0, len(posts), 16):
            writes = [store.write(partial(take, body=body, setup=setup)) for body in posts[at : at + 16]]
            await asyncio.gather(*writes)

        def held(tx: Transaction) -> tuple[Any, ...]:
            jobs = [kept.job for kept in tx.jobs(Filters(limit=500))]
            events = [msgspec.json.decode(body) for body in tx.events_after(0, 500)]
            return (
                Counter((job.action, job.status, job.rule) for job in jobs),
                Counter((event["type"], event["data"]["status"]) for event in events),
                {(one.state, one.unit, one.amount, one.unknown, one.jobs) for one in tx.cost_sums(0)},
                tx.counts(),
            )

        return await store.read(held)


async def test_engines_keep_the_same_of_the_same_webhooks(postgres: str, tmp_path: Path) -> None:
    on_sqlite = await kept_of_a_mixed_past(f"sqlite:///{tmp_path / 'a.db'}")
    on_postgres = await kept_of_a_mixed_past(postgres)
    assert on_postgres[:3] == on_sqlite[:3]
    assert on_postgres[3].jobs == on_sqlite[3].jobs
    assert on_postgres[3].deliveries == on_sqlite[3].deliveries


async def test_a_claim_sees_what_a_work_before_it_in_the_same_commit_wrote(database: str) -> None:
    """Whatever that was: here waiting deliveries are moved, as when the clock is set."""
    of = LaneLimits("sink:team", 4, 4, NOW + 90_000)
    async with database_at(database, Clock()) as store:
        due = Delivery(number=1, lane="sink:team", job=1, event=1, due_at=NOW)
        await store.write(lambda tx: tx.add_delivery(due))
        moved = store.write(lambda tx: tx.move_waiting(60_000))
        claimed = store.write(lambda tx: tx.claim([of], NOW))
        _, found = await asyncio.gather(moved, claimed)
        assert found == ClaimedDue([], NOW + 60_000)
