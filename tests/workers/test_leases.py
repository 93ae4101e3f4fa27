"""Leases: a try of which nothing more will be heard is taken back by the server that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from handlers.order import OrderHandler
from receiver.contracts import Committed, DeliveryContext, Filters, Handler, Order, Sink, Source, Transaction
from receiver.lib.times import Clock
from receiver.model.deliveries import Accepted, Delivery, Interrupted, OrderOutcome, OutgoingEvent
from receiver.store.sqlite.store import SqliteStore
from receiver.workers.order_outcomes import SettledOrder, begin_order, settle_order
from support.claiming import claim
from support.records import NOW, a_report
from support.world import PICKED, TELL, World, world

LEASE = 100.0


class Counting(Handler):
    """Delivers, once its gate is open, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> None:
        self.count += 1
        await self.gate.wait()


async def leased(world: World, lane: str) -> Delivery:
    """The delivery of a lane, claimed by nobody who will settle it."""
    now = world.clock()
    (delivery,) = await world.store.write(lambda tx: claim(tx, lane, 1, now, now + int(LEASE * 1000)))
    return delivery


async def settled(world: World, number: int, *states: str, attempt: int = 0) -> Delivery:
    """The delivery once it is in one of these states, after so many tries at least."""
    watch = world.store.watch()
    while True:
        delivery = await world.store.read(lambda tx: tx.delivery(number))
        assert delivery is not None
        if delivery.state in states and delivery.attempt >= attempt:
            watch.close()
            return delivery
        assert await watch.wait(10), delivery


def sinks(handler: Handler, retry: tuple[float, ...] = (5.0,)) -> dict[str, Sink]:
    return {"team": Sink(name="team", handler=handler, retry=retry)}


async def test_an_event_whose_try_is_gone_is_delivered_by_the_running_server(tmp_path: Path) -> None:
    handler = Counting()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler), dispatch=False) as here:
        await here.webhook(PICKED)
        number = (await leased(here, "sink:team")).number
        here.start()
        await here.tick(LEASE - 1)
        assert (await settled(here, number, "running")).attempt == 1
        await here.tick(60)
        waiting = await settled(here, number, "pending")
        (attempt,) = await here.store.read(lambda tx: tx.attempts(number))
        assert (attempt.outcome, "lease ran out" in (attempt.note or "")) == ("again", True)
        assert waiting.due_at - here.clock() == 5000
        await here.tick(5)
        assert (await settled(here, number, "done")).attempt == 2
    assert handler.count == 1


@pytest.mark.usefixtures("each_engine")
async def test_what_the_vendor_accepted_is_kept_though_the_order_was_taken_back_meanwhile(tmp_path: Path) -> None:
    async with world(tmp_path, dispatch=False) as here:
        await here.webhook(PICKED)
        delivery = await leased(here, "order:journey")

        def settle(tx: Transaction, outcome: Accepted | Interrupted) -> SettledOrder:
            return settle_order(tx, here.setup, delivery, outcome, NOW, NOW, 0.5)

        assert await here.store.write(lambda tx: begin_order(tx, here.setup.sources["journey"], delivery, NOW))
        taken_back = await here.store.write(lambda tx: settle(tx, Interrupted(note="its lease ran out")))
        assert taken_back.job is not None
        assert taken_back.job.job.status == "unsure"
        late = await here.store.write(lambda tx: settle(tx, Accepted(report=a_report("queued", "order-1"))))
        assert late.name == "fenced"
        assert late.job is not None
        assert (late.job.job.status, late.job.job.provider_job_id) == ("queued", "order-1")


async def test_a_lease_that_runs_out_on_the_last_try_is_a_dead_letter(tmp_path: Path) -> None:
    handler = Counting()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler, retry=()), dispatch=False) as here:
        await here.webhook(PICKED)
        number = (await leased(here, "sink:team")).number
        here.clock.pass_by(LEASE)
        here.start()
        await settled(here, number, "dead")
    assert handler.count == 0


async def test_a_try_that_still_runs_keeps_its_delivery_however_long_the_machine_slept(tmp_path: Path) -> None:
    handler = Counting()
    handler.gate.clear()
    async with world(tmp_path, rules=(TELL,), sinks=sinks(handler)) as here:
        await here.webhook(PICKED)
        (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters(sink="team")))
        await settled(here, delivery.number, "running")
        for _ in range(3):
            await here.tick(3600)
        handler.gate.set()
        assert (await settled(here, delivery.number, "done", "pending")).attempt == 1
    assert handler.count == 1


async def test_who_comes_back_after_its_lease_ran_out_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(TELL,), sinks=sinks(Counting()), dispatch=False) as here:
        await here.webhook(PICKED)
        late = await leased(here, "sink:team")
        here.clock.pass_by(LEASE)
        here.start()
        taken_back = await settled(here, late.number, "pending")
        done = msgspec.structs.replace(late, state="done")
        assert not await here.store.write(lambda tx: tx.settle(late, done))
        assert await settled(here, late.number, "pending") == taken_back


async def test_an_order_that_may_have_been_sent_is_unsure_and_not_sent_again(tmp_path: Path) -> None:
    async with world(tmp_path, dispatch=False) as here:
        await here.webhook(PICKED)
        delivery = await leased(here, "order:journey")
        source = here.setup.sources["journey"]
        assert await here.store.write(lambda tx: begin_order(tx, source, delivery, here.clock()))
        here.start()
        await here.tick(LEASE)
        await here.until(lambda jobs: any(job.status == "unsure" for job in jobs))
        assert (await settled(here, delivery.number, "done")).attempt == 1
    assert here.calls == []


async def test_an_order_that_was_not_sent_is_sent_by_its_schedule(tmp_path: Path) -> None:
    async with world(tmp_path, dispatch=False) as here:
        await here.webhook(PICKED)
        delivery = await leased(here, "order:journey")
        here.clock.pass_by(LEASE)
        here.start()
        waiting = await settled(here, delivery.number, "pending")
        assert (waiting.due_at - here.clock(), here.calls) == (2000, [])
        await here.tick(2)
        await here.until(lambda jobs: any(job.status == "queued" for job in jobs))
    assert len(here.orders) == 1


def stalled(monkeypatch: pytest.MonkeyPatch, stall: Callable[[], None]) -> None:
    """What happens between the commit of `submitting` and the first byte of each order, but for the last one."""
    send, stalls = OrderHandler.send, [stall]

    async def stalling(
        self: OrderHandler, order: Order, source: Source, begin: Committed, may_go: Callable[[], bool], clock: Clock
    ) -> OrderOutcome:
        async def begin_and_stall() -> bool:
            is_ours = await begin()
            if stalls:
                stalls.pop()()
            return is_ours

        return await send(self, order, source, begin_and_stall, may_go, clock)

    monkeypatch.setattr(OrderHandler, "send", stalling)


async def test_an_order_whose_lease_ran_out_before_its_first_byte_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as here:
        stalled(monkeypatch, lambda: here.clock.pass_by(3600))
        await here.webhook(PICKED)
        (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters(source="journey")))
        assert (await settled(here, delivery.number, "pending", attempt=1)).attempt == 1
        assert here.calls == []
        await here.tick(2)
        await here.until(lambda jobs: any(job.status == "queued" for job in jobs))
    assert len(here.orders) == 1


async def test_an_order_of_a_process_that_was_taken_for_gone_meanwhile_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_sqlite: None
) -> None:
    lives = [1]
    monkeypatch.setattr(SqliteStore, "life", lambda _store: lives[-1])
    for later in (0, 2):
        lives[:] = [1]
        stalled(monkeypatch, lambda later=later: lives.append(later))  # type: ignore[misc]
        folder = tmp_path / str(later)
        folder.mkdir()
        async with world(folder) as here:
            await here.webhook(PICKED)
            (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters(source="journey")))
            await settled(here, delivery.number, "pending", attempt=1)
            assert here.calls == []


async def test_who_may_be_taken_for_gone_claims_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_sqlite: None
) -> None:
    lives = [0]
    monkeypatch.setattr(SqliteStore, "life", lambda _store: lives[-1])
    async with world(tmp_path) as here:
        await here.webhook(PICKED)
        await here.store.write(lambda tx: None)
        (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters(source="journey")))
        assert delivery.state == "pending"
        lives.append(3)
        await here.store.write(lambda tx: None)
        await settled(here, delivery.number, "done")


async def test_what_stops_takes_nothing_back(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(TELL,), sinks=sinks(Counting()), dispatch=False) as here:
        await here.webhook(PICKED)
        number = (await leased(here, "sink:team")).number
        here.start()
        await here.store.write(lambda tx: None)
        here.clock.pass_by(LEASE)
        await here.stop()
        assert (await settled(here, number, "running")).attempt == 1
