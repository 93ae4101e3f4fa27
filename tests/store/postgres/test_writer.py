"""Commits: what becomes of them when others are in the way, or the connection breaks."""

from __future__ import annotations

import asyncio
from functools import partial

import psycopg
import pytest

from receiver.contracts import Transaction
from receiver.errors import StoreUnavailable
from receiver.store.postgres.store import PostgresStore
from store.postgres.test_round_trips import ready, webhooks
from support.postgres import running_server
from support.records import a_job
from support.round_trips import counted
from support.world import Clock


async def test_an_answer_to_a_commit_that_is_lost_is_asked_for(postgres: str) -> None:
    with counted(postgres) as (proxy, address):
        async with PostgresStore(address, Clock()) as store:
            await ready(store)
            proxy.cut_after = b"COMMIT"
            results = await asyncio.gather(*(store.write(work) for work in webhooks(100, 5)))
            assert proxy.has_cut, "the connection was not cut"
            assert [one.events for one in results] == [1] * 5
            assert await store.read(lambda tx: len(tx.events_after(0, 100))) == 6


async def test_a_connection_that_broke_is_made_anew(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as store:
        await ready(store)
        with psycopg.connect(postgres, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'gridhook' AND pid <> pg_backend_pid()"
            )
        results = await asyncio.gather(*(store.write(work) for work in webhooks(100, 5)))
        assert [one.events for one in results] == [1] * 5
        assert (await store.read(lambda tx: tx.counts())).deliveries["pending"] == 6


async def test_a_server_that_is_away_is_told_and_found_again() -> None:
    with running_server() as server:
        async with PostgresStore(server.address(), Clock()) as store:
            await ready(store)
            server.stop(lambda process: process.send_signal(3))
            with pytest.raises(StoreUnavailable):
                await store.write(lambda tx: tx.add_job(a_job(1)))
            server.start()
            await store.write(lambda tx: tx.add_job(a_job(1)))
            assert await store.read(lambda tx: tx.job(1)) is not None


async def test_the_same_webhooks_to_four_processes_are_taken_once(postgres: str) -> None:
    stores = [PostgresStore(postgres, Clock()) for _ in range(4)]
    for store in stores:
        await store.__aenter__()
    try:
        writes = [store.write(work) for work in webhooks(0, 40) for store in stores]
        results = await asyncio.gather(*writes)
        assert sum(one.events for one in results) == 40
        counts = await stores[0].read(lambda tx: tx.counts())
        assert counts.deliveries["pending"] == 40
    finally:
        for store in stores:
            await store.__aexit__(None, None, None)


async def test_a_work_that_breaks_takes_no_neighbour_with_it(postgres: str) -> None:
    def broken(tx: Transaction) -> None:
        tx.add_job(a_job(7, intent="seven"))
        raise ValueError("a bug")

    async with PostgresStore(postgres, Clock()) as store:
        await ready(store)
        works = [*webhooks(10, 3), broken, *webhooks(20, 3)]
        results = await asyncio.gather(*(store.write(work) for work in works), return_exceptions=True)
        assert [isinstance(one, ValueError) for one in results] == [False] * 3 + [True] + [False] * 3
        assert await store.read(lambda tx: tx.job(7)) is None


async def test_what_is_called_afterwards_is_called_once(postgres: str) -> None:
    told: list[int] = []

    def work(tx: Transaction, number: int) -> None:
        tx.afterwards(lambda: told.append(number))
        tx.job(number)

    async with PostgresStore(postgres, Clock()) as store:
        await asyncio.gather(*(store.write(partial(work, number=number)) for number in range(5)))
        await store.write(lambda tx: None)
    assert told == [0, 1, 2, 3, 4]


async def test_a_follower_misses_nothing_that_is_committed_late(postgres: str) -> None:
    """Events of a transaction that is still open are not jumped over."""
    async with PostgresStore(postgres, Clock()) as store:
        await ready(store)
        with psycopg.connect(postgres, autocommit=True) as other:
            other.execute("BEGIN")
            other.execute(
                "INSERT INTO events (number, job, key, type, source, at, data) "
                "SELECT min(number) - 1, 99, 99, type, source, at, data FROM events GROUP BY type, source, at, data"
            )
            await asyncio.gather(*(store.write(work) for work in webhooks(100, 2)))
            seen = await store.read(lambda tx: tx.events_after(0, 100))
            other.execute("COMMIT")
        assert len(seen) == 1
        assert len(await store.read(lambda tx: tx.events_after(0, 100))) == 4


async def test_a_budget_is_no_ones_alone(postgres: str) -> None:
    """What a work may do that no rows are locked for, it does while nobody else commits."""
    stores = [PostgresStore(postgres, Clock()) for _ in range(2)]
    for store in stores:
        await store.__aenter__()
    try:

        def reserve(tx: Transaction) -> bool:
            seen = tx.set_back_at() or 0
            if seen >= 10:
                return False
            tx.put_set_back_at(seen + 1)
            return True

        results = await asyncio.gather(*(store.write(reserve) for _ in range(15) for store in stores))
        assert sum(results) == 10
    finally:
        for store in stores:
            await store.__aexit__(None, None, None)
