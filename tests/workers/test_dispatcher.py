"""Dispatching to sinks."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from receiver.contracts import (
    DeliveryContext,
    Filters,
    Handler,
    Sink,
    Transaction,
)
from receiver.errors import NoAnswer, StoreUnavailable
from receiver.flows.commands import redeliver
from receiver.lib.ids import show
from receiver.model.deliveries import (
    Accepted,
    Again,
    Dead,
    Delivered,
    Delivery,
    Outcome,
    OutgoingEvent,
)
from receiver.model.events import Event
from receiver.store.sqlite import store
from receiver.workers import dispatcher
from receiver.workers.dispatcher import AT_ONCE
from receiver.workers.order_outcomes import recover
from receiver.workers.sinks import SinkCarrier
from support.claiming import claim
from support.records import a_report
from support.world import PICKED, TELL, World, world


class Recorder(Handler):
    """A handler that records its parcels and does as it is told."""

    def __init__(self, *outcomes: Any) -> None:
        self.parcels: list[OutgoingEvent] = []
        self.outcomes = list(outcomes)
        self.gate: asyncio.Event | None = None
        self.arrived = asyncio.Condition()
        self.most = 0
        self.now = 0

    async def has(self, count: int) -> None:
        """Waits until so many parcels have come."""
        async with self.arrived, asyncio.timeout(10):
            await self.arrived.wait_for(lambda: len(self.parcels) >= count)

    async def deliver(self, parcel: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Records, waits at the gate, and gives the next outcome."""
        async with self.arrived:
            self.parcels.append(parcel)
            self.arrived.notify_all()
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.now -= 1
        outcome: Outcome | BaseException = self.outcomes.pop(0) if self.outcomes else Delivered()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def sinks(handler: Handler, **fields: object) -> dict[str, Sink]:
    """The sink `team`."""
    return {"team": msgspec.structs.replace(Sink(name="team", handler=handler), **fields)}


async def state(world: World, *states: str) -> Delivery:
    """The one delivery, once it is in one of these states."""
    watch = world.store.watch()
    while True:
        found = await world.store.read(lambda tx: tx.deliveries(Filters(sink="team")))
        if found and found[0].state in states:
            watch.close()
            return found[0]
        assert await watch.wait(10), found


async def done(world: World, count: int) -> None:
    """Waits until so many deliveries are done."""
    watch = world.store.watch()
    while len(await world.store.read(lambda tx: tx.deliveries(Filters(status="done")))) < count:
        assert await watch.wait(10)
    watch.close()


async def test_an_event_reaches_its_sink_once(tmp_path: Path) -> None:
    handler = Recorder()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        for _ in range(5):
            await here.webhook(PICKED)
        await state(here, "done")
    (parcel,) = handler.parcels
    assert isinstance(parcel.event, Event)
    assert (parcel.event.type, parcel.attempt, parcel.event.data.status) == ("job.completed", 1, "completed")
    assert msgspec.json.decode(parcel.body)["id"] == parcel.event.id


async def test_a_failed_try_is_tried_again_by_schedule_and_each_try_is_kept(tmp_path: Path) -> None:
    handler = Recorder(Again(note="busy", status=503), NoAnswer("cut"), ValueError("bug"), Delivered(status=200))
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, retry=(5.0, 30.0, 60.0))) as here:
        await here.webhook(PICKED)
        waits = []
        for tries in (1, 2, 3):
            await handler.has(tries)
            waiting = await state(here, "pending")
            waits.append((waiting.due_at - here.clock()) / 1000)
            here.clock.now = waiting.due_at
            await here.webhook(PICKED)
        done = await state(here, "done")
        attempts = await here.store.read(lambda tx: tx.attempts(done.number))
    assert waits == [5.0, 30.0, 60.0]
    assert [(one.outcome, one.note) for one in attempts] == [
        ("again", "busy"),
        ("again", "cut"),
        ("again", "the handler broke: ValueError"),
        ("delivered", None),
    ]


async def test_a_handler_that_returns_nothing_has_delivered(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(TELL,), sinks=sinks(Recorder(None))) as here:
        await here.webhook(PICKED)
        assert (await state(here, "done")).attempt == 1


@pytest.mark.parametrize(
    "said",
    [
        True,
        "done",
        Delivered,
        Accepted(report=a_report()),
        Delivered(receipt=5),  # type: ignore[arg-type]
        Delivered(note="\ud800"),
        Delivered(status=2**65),
        Again(note=None, after="soon"),  # type: ignore[arg-type]
        Dead(note=object()),  # type: ignore[arg-type]
        KeyboardInterrupt(),
        SystemExit(1),
        GeneratorExit(),
        asyncio.CancelledError(),
        BaseException("anything"),
        TimeoutError("its own"),
    ],
    ids=lambda said: type(said).__name__,
)
async def test_whatever_else_a_handler_says_costs_one_try_on_the_schedule(tmp_path: Path, said: Any) -> None:
    handler = Recorder(said)
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, retry=(5.0, 30.0))) as here:
        await here.webhook(PICKED)
        waiting = await state(here, "pending", "done", "dead")
        assert (waiting.state, waiting.attempt - waiting.base, waiting.due_at - here.clock()) == ("pending", 1, 5000)
        (attempt,) = await here.store.read(lambda tx: tx.attempts(waiting.number))
        assert attempt.outcome == "again"
        await here.tick(5)
        await state(here, "done")
    assert len(handler.parcels) == 2


async def test_a_handler_that_raises_something_else_when_it_is_stopped_lost_no_try(tmp_path: Path) -> None:
    class Stubborn(Recorder):
        async def deliver(self, parcel: OutgoingEvent, context: DeliveryContext) -> Outcome:
            try:
                return await super().deliver(parcel, context)
            except asyncio.CancelledError:
                raise RuntimeError("not now") from None

    handler = Stubborn()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        await handler.has(1)
        await here.stop(grace=0)
        left = await state(here, "pending")
        assert left.attempt - left.base == 0


async def test_a_spent_schedule_is_a_dead_letter_that_can_be_redelivered(tmp_path: Path) -> None:
    handler = Recorder(Again(note="busy"))
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, retry=())) as here:
        await here.webhook(PICKED)
        dead = await state(here, "dead")
        await here.store.write(lambda tx: redeliver(tx, here.setup, show("dlv", dead.number), here.clock()))
        done = await state(here, "done")
    assert [parcel.attempt for parcel in handler.parcels] == [1, 1]
    assert handler.parcels[0].event.id == handler.parcels[1].event.id
    assert (done.attempt, done.base) == (2, 1)


async def test_a_refusal_is_dead_at_once(tmp_path: Path) -> None:
    handler = Recorder(Dead(note="gone", status=410))
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        assert (await state(here, "dead")).attempt == 1


async def test_a_sink_never_has_more_at_once_than_its_concurrency(tmp_path: Path) -> None:
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, concurrency=3)) as here:
        await asyncio.gather(*(here.webhook({**PICKED, "task_id": f"task-{number}"}) for number in range(10)))
        await handler.has(3)
        handler.gate.set()
        await done(here, 10)
    assert handler.most == 3
    assert len({parcel.event.id for parcel in handler.parcels}) == 10


async def test_a_rate_spaces_deliveries_out(tmp_path: Path) -> None:
    handler = Recorder()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, rate=1.0)) as here:
        for number in range(3):
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
        for sent in (1, 2, 3):
            await handler.has(sent)
            await done(here, sent)
            assert len(handler.parcels) == sent
            here.clock.pass_by(1)
            await here.webhook(PICKED)


async def test_a_handler_that_hangs_is_cut_off_and_tried_again(tmp_path: Path) -> None:
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, timeout=0.05)) as here:
        await here.webhook(PICKED)
        await handler.has(1)
        waiting = await state(here, "pending")
        (attempt,) = await here.store.read(lambda tx: tx.attempts(waiting.number))
        assert attempt.note == "no answer within 0.05 s"


async def test_a_slow_dispatcher_cannot_overwrite_the_one_that_took_over(tmp_path: Path) -> None:
    handler = Recorder(Delivered())
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        running = await state(here, "running")
        taken_over = msgspec.structs.replace(running, attempt=2)
        await here.store.write(lambda tx: tx.put_delivery(taken_over))
        handler.gate.set()
        await here.stop()
        left = await state(here, "running")
        assert left == taken_over
        assert await here.store.read(lambda tx: tx.attempts(left.number)) == []


async def test_a_graceful_stop_lets_a_delivery_finish(tmp_path: Path) -> None:
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        await state(here, "running")
        stopping = asyncio.create_task(here.stop())
        await asyncio.sleep(0)
        handler.gate.set()
        await stopping
        assert (await state(here, "done")).attempt == 1


async def test_a_stop_that_cannot_wait_gives_the_delivery_back_uncounted(tmp_path: Path) -> None:
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        await state(here, "running")
        await here.stop(grace=0)
        left = await state(here, "pending")
        assert (left.attempt - left.base, await here.store.read(lambda tx: tx.attempts(left.number))) == (0, [])


async def test_leases_of_an_earlier_process_end_at_start(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(TELL,), dispatch=False) as here:
        await here.webhook(PICKED)
        (claimed,) = await here.store.write(lambda tx: claim(tx, "sink:team", 5, here.clock(), here.clock() + 10**9))
        assert claimed.state == "running"
    handler = Recorder()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as later:
        await state(later, "done")
    assert len(handler.parcels) == 1


async def test_a_dispatcher_that_looks_for_lost_deliveries_again_leaves_its_own_alone(tmp_path: Path) -> None:
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        running = await state(here, "running")
        assert await here.store.write(lambda tx: recover(tx, here.setup, here.clock())) == 0
        assert await state(here, "running") == running
        handler.gate.set()
        await state(here, "done")
    assert len(handler.parcels) == 1


# --- claims go along with commits ------------------------------------------------------------------------------------


async def states(world: World) -> list[str]:
    """The state of each delivery, oldest first."""
    found = await world.store.read(lambda tx: tx.deliveries(Filters(limit=500)))
    return [one.state for one in reversed(found)]


async def test_what_a_webhook_leads_to_is_claimed_in_the_commit_that_keeps_it(tmp_path: Path) -> None:
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        assert await states(here) == ["running"]
        handler.gate.set()


async def test_the_next_delivery_is_claimed_in_the_commit_that_settles_the_one_before(tmp_path: Path) -> None:
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, concurrency=1)) as here:
        for number in range(2):
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
        assert await states(here) == ["running", "pending"]
        watch = here.store.watch()
        handler.gate.set()
        while (seen := await states(here)) == ["running", "pending"]:
            assert await watch.wait(10)
        watch.close()
        assert seen in (["done", "running"], ["done", "done"])


async def test_an_idle_dispatcher_commits_nothing(tmp_path: Path) -> None:
    commits: list[None] = []
    async with world(tmp_path, rules=(TELL,), sinks=sinks(Recorder())) as here:
        await here.webhook(PICKED)
        await done(here, 1)
        watch = here.store.watch()
        while await watch.wait(0.4):
            commits.append(None)
            assert len(commits) < 10
        watch.close()


async def test_a_slow_sink_holds_up_no_other(tmp_path: Path) -> None:
    slow, quick = Recorder(), Recorder()
    slow.gate = asyncio.Event()
    both = msgspec.structs.replace(TELL, to=("team", "backend"))
    there = {**sinks(slow, concurrency=4), "backend": Sink(name="backend", handler=quick, concurrency=1)}
    async with world(tmp_path, rules=(both,), sinks=there) as here:
        for number in range(10):
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
        await quick.has(10)
        assert len(slow.parcels) == 4
        slow.gate.set()
        await slow.has(10)


async def test_a_lane_with_much_room_takes_more_than_one_commit_claims(tmp_path: Path) -> None:
    count = AT_ONCE + 5
    async with world(tmp_path, rules=(TELL,), dispatch=False) as here:
        await asyncio.gather(*(here.webhook({**PICKED, "task_id": f"task-{number}"}) for number in range(count)))
    handler = Recorder()
    handler.gate = asyncio.Event()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, concurrency=100)) as later:
        await handler.has(count)
        handler.gate.set()
        await done(later, count)
    assert len({parcel.event.id for parcel in handler.parcels}) == count


async def test_an_event_that_cannot_be_read_is_a_failed_try_and_fails_no_commit(tmp_path: Path) -> None:
    handler = Recorder()
    lost = Delivery(number=1, lane="sink:team", job=1, event=1, due_at=0)
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, retry=())) as here:
        await here.store.write(lambda tx: tx.add_delivery(lost))
        await here.webhook(PICKED)
        await handler.has(1)
        await done(here, 1)
        (attempt,) = await here.store.read(lambda tx: tx.attempts(1))
        assert (attempt.outcome, attempt.note) == ("again", "the event could not be read: DecodeError")
        assert await states(here) == ["dead", "done"]


async def test_a_neighbour_that_breaks_loses_no_claim(tmp_path: Path) -> None:
    def broken(_tx: Transaction) -> None:
        raise ValueError("a neighbour's bug")

    handler = Recorder()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        for number in range(5):
            results = await asyncio.gather(
                here.webhook({**PICKED, "task_id": f"task-{number}"}),
                here.store.write(broken),
                return_exceptions=True,
            )
            assert isinstance(results[1], ValueError)
        await done(here, 5)
    assert len(handler.parcels) == 5


async def test_what_another_process_commits_is_noticed(tmp_path: Path) -> None:
    handler = Recorder()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        async with world(tmp_path, rules=(TELL,), dispatch=False) as other:
            await other.webhook(PICKED)
        await state(here, "done")
    assert len(handler.parcels) == 1


async def test_commits_that_fail_are_tried_again_without_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_sqlite: None
) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(dispatcher, "STORE_WAIT", 0.02)
    handler = Recorder()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler), dispatch=False) as here:
        await here.webhook(PICKED)
        with contextlib.closing(sqlite3.connect(here.folder / "gridhook.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            here.start()
            with pytest.raises(StoreUnavailable):
                await here.store.write(lambda tx: None)
            assert handler.parcels == []
            other.rollback()
            await handler.has(1)
            await done(here, 1)


async def test_a_try_that_broke_is_taken_back_at_once_and_keeps_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: Any) -> None:
        raise LookupError("a bug of ours")

    handler = Recorder()
    monkeypatch.setattr(SinkCarrier, "_follow", breaking)
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, concurrency=1)) as here:
        await here.webhook(PICKED)
        waiting = await state(here, "pending")
        (attempt,) = await here.store.read(lambda tx: tx.attempts(waiting.number))
        assert (attempt.outcome, attempt.note) == ("again", dispatcher.BROKE)
        await here.webhook({**PICKED, "task_id": "another"})
        await handler.has(2)
