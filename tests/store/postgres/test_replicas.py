"""Slots, who is alive, who leads."""

from __future__ import annotations

import psycopg
import pytest

from receiver.errors import StoreRefused
from receiver.lib.ids import SLOTS, slot_of
from receiver.model.events import KeptEvent
from receiver.store.postgres.migrate import migrate
from receiver.store.postgres.replicas import Replica
from receiver.store.postgres.store import PostgresStore
from support.records import NOW, a_job
from support.world import Clock


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
