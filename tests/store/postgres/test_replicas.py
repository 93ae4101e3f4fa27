"""Slots, who is alive, who leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from receiver.contracts import LaneLimits, Transaction
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.lib.ids import SLOTS, slot_of
from receiver.lib.steady_clock import SteadyClock
from receiver.lib.times import system_clock
from receiver.model.deliveries import Delivery
from receiver.model.events import KeptEvent
from receiver.store.postgres import replicas
from receiver.store.postgres.connections import connect
from receiver.store.postgres.migrate import migrate
from receiver.store.postgres.replicas import Replica
from receiver.store.postgres.store import PostgresStore
from receiver.store.postgres.writer import CHANNEL
from support.records import NOW, a_job
from support.world import Clock

LANE = LaneLimits("sink:a", concurrency=9, at_once=9, lease_until=NOW + 10**9)


@contextmanager
def migrated(address: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to tables that are there."""
    with connect(address) as connection:
        migrate(connection)
        yield connection


def a_delivery(number: int) -> Delivery:
    return Delivery(number=number, lane=LANE.lane, job=number, state="pending", due_at=0)


async def test_ids_carry_the_slot_of_their_process(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as one, PostgresStore(postgres, Clock()) as other:
        made = [await store.write(lambda tx: tx.ids.next()) for store in (one, other)]
        assert [slot_of(number) for number in made] == [0, 1]


async def test_the_living_replica_with_the_lowest_slot_leads(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as other, PostgresStore(postgres, Clock()) as one:
        await other.own_dispatching()
        await one.own_dispatching()
        assert (other.leads(), one.leads()) == (True, False)
    async with PostgresStore(postgres, Clock()) as third:
        assert not third.dispatched()


async def test_a_process_that_was_declared_gone_takes_a_slot_anew(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        migrate(connection)
        stopped, other = Replica(), Replica()
        stopped.register(connection)
        connection.execute("UPDATE replicas SET seen_at = seen_at - interval '61s'")
        other.register(connection)
        stopped.be_seen(connection)
        assert (stopped.slot, other.slot) == (1, 0)


async def test_there_is_room_for_so_many_processes(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()):
        with psycopg.connect(postgres, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
            connection.execute(
                "INSERT INTO replicas SELECT slot, slot, true, clock_timestamp() FROM generate_series(1, $1) AS slot",
                (SLOTS - 1,),
            )
            with pytest.raises(StoreRefused, match="room for no more"):
                Replica().register(connection)


async def test_another_process_hears_of_a_commit(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as one, PostgresStore(postgres, Clock()) as other:
        watch = other.watch()
        while await watch.wait(0.5):
            pass  # what it heard at its start
        kept = a_job(5)
        event = KeptEvent(number=6, job=5, type="job.progress", key=1, at=NOW, data=kept.job)
        await one.write(lambda tx: tx.add_job(kept))
        await one.write(lambda tx: tx.add_event(event))
        assert await watch.wait(20)


async def test_processes_that_have_nothing_to_do_leave_each_other_in_peace(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as one, PostgresStore(postgres, Clock()) as other:
        claims = asyncio.Semaphore(0)
        hooks = [
            store.hook_commits(lambda: lambda tx: tx.claim([LANE], NOW), lambda _found: claims.release(), print)
            for store in (one, other)
        ]
        for store in (one, other):  # whoever claims first makes the lane, which is told of
            await store.write(lambda tx: tx.claim([LANE], NOW))
        with connect(postgres) as listening:
            listening.execute(f"LISTEN {CHANNEL}")
            await one.write(lambda tx: tx.add_job(a_job(1)))
            for _ in range(6):  # that of the commit itself, and those that it and the looks lead to
                await asyncio.wait_for(claims.acquire(), 20)
            listening.execute(f"NOTIFY {CHANNEL}, 'the end'")
            told: list[str] = []
            for found in listening.notifies(timeout=20):
                told.append(found.payload)
                if told[-1] == "the end":
                    break
        for hook in hooks:
            hook.close()
        assert told[1:] == ["the end"], "more than the one commit was told of"


async def test_who_was_not_seen_in_time_is_in_another_life(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(replicas, "since_boot_s", lambda: now[0])
    with migrated(postgres) as connection:
        one = Replica()
        assert one.life() == 0
        one.register(connection)
        one.dispatch(connection)
        first = one.life()
        assert (first > 0, one.leads) == (True, True)
        now[0] += 8.9
        assert one.life() == first
        one.be_seen(connection)
        now[0] += 8.9
        assert (one.life(), one.leads) == (first, True)
        now[0] += 0.2
        assert (one.life(), one.leads) == (0, False)
        one.be_seen(connection)
        assert one.life() not in (0, first)


async def test_what_a_process_has_that_is_gone_is_lost_and_what_a_living_one_has_is_not(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as one, PostgresStore(postgres, Clock()) as other:
        for number, store in enumerate((one, other), 1):
            await one.write(lambda tx, number=number: tx.add_delivery(a_delivery(number)))  # type: ignore[misc]
            await store.write(lambda tx: tx.claim([LANE], NOW))
        with connect(postgres) as connection:
            owner = connection.execute("SELECT owner FROM deliveries WHERE number = 2").fetchone()
            assert owner is not None
            assert await one.read(lambda tx: tx.lost(NOW)) == []
            away = "UPDATE replicas SET seen_at = seen_at - interval '11s' WHERE owner = $1"
            steady = "UPDATE replicas SET steady_since = clock_timestamp() - $2 * interval '1s' WHERE owner <> $1"
            # All have just come back to a database that was away: who is gone is not known yet.
            connection.execute(away, owner)
            assert await one.read(lambda tx: tx.lost(NOW)) == []
            connection.execute(steady, (*owner, 11))
            assert [lost.number for lost in await one.read(lambda tx: tx.lost(NOW))] == [2]
            connection.execute(steady, (*owner, 0))
            connection.execute("DELETE FROM replicas WHERE owner = $1", owner)
            assert [lost.number for lost in await one.read(lambda tx: tx.lost(NOW))] == [2]


def test_a_process_that_was_away_is_steady_only_from_then_on(postgres: str) -> None:
    steady = "SELECT extract(epoch FROM clock_timestamp() - steady_since)::float FROM replicas"
    with migrated(postgres) as connection:
        one = Replica()
        one.register(connection)
        for away_s, at_least in ((2, 100), (6, 0)):
            connection.execute(
                "UPDATE replicas SET steady_since = steady_since - interval '100s', "
                "seen_at = seen_at - $1 * interval '1s'",
                (away_s,),
            )
            one.be_seen(connection)
            (since,) = connection.execute(steady).fetchone() or (None,)
            assert since is not None
            assert at_least <= since < at_least + 50


async def test_an_older_process_does_nothing_more_once_a_newer_one_has_changed_the_schema(postgres: str) -> None:
    async with PostgresStore(postgres, Clock()) as store:
        await store.own_dispatching()
        await store.write(lambda tx: tx.add_job(a_job(1)))
        with connect(postgres) as connection:
            connection.execute("UPDATE meta_numbers SET value = 9999 WHERE name = 'schema'")
            # In a unit of work, and in a commit that has the database to itself.
            works: list[Callable[[Transaction], object]] = [
                lambda tx: tx.add_job(a_job(2, intent="b")),
                lambda tx: tx.put_session_key(b"k"),
            ]
            for work in works:
                with pytest.raises(StoreUnavailable, match="a newer gridhook"):
                    await store.write(work)
            with pytest.raises(StoreUnavailable, match="a newer gridhook"):
                Replica().be_seen(connection)
            assert connection.execute("SELECT number FROM jobs").fetchall() == [(1,)]


def test_the_clock_is_brought_to_the_databases_whatever_the_machines_wall_clock_is_set_to(postgres: str) -> None:
    with migrated(postgres) as connection:
        ahead = Replica(lambda: system_clock() + 3_600_000)
        ahead.register(connection)
        ahead.be_seen(connection)
        assert -3_605_000 < ahead.behind_ms < -3_595_000
        right = Replica()
        right.register(connection)
        right.be_seen(connection)
        assert right.behind_ms == 0
    # One that is steady is looked at as it is, not the wall clock beside it.
    late = SteadyClock(lambda: system_clock() - 60_000)
    assert PostgresStore(postgres, late)._replica._machine_clock is late
