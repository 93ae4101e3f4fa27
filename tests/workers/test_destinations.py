"""A wait or a pause belongs to the destination: not each delivery meets the refusal anew, none burns its schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import msgspec

from receiver.contracts import DeliveryContext, Filters, Handler, Sink
from receiver.model.deliveries import Again, Dead, Delivered, Delivery, Outcome, OutgoingEvent
from receiver.model.destinations import FIRST_PROBE_MS
from receiver.model.events import AnyEvent, decode_event
from receiver.model.rules import Rule
from support.world import AUTO_HD, PICKED, World, world

TOLD: Final = Rule(name="told", when={"type": "job.completed"}, to=("team",))
OPERATOR: Final = Rule(name="operator", when={"type": ["sink.*", "source.*", "delivery.*"]}, to=("team", "desk"))
FAILS: Final = Again(note="HTTP 500", status=500)


class Answers(Handler):
    """A handler that answers as it is told, and remembers which events it was given."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome: Outcome = outcome or Delivered()
        self.given: list[OutgoingEvent] = []
        self.gate: asyncio.Event | None = None

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Remembers the event and answers."""
        self.given.append(outgoing)
        if self.gate is not None:
            await self.gate.wait()
        return self.outcome


def a_sink(handler: Answers, name: str = "team", **fields: object) -> Sink:
    """A sink whose retries come after a second."""
    return msgspec.structs.replace(Sink(name=name, handler=handler, retry=(1.0,) * 9, concurrency=1), **fields)


async def picked(here: World, number: int) -> None:
    """A webhook that makes one event."""
    await here.webhook({**PICKED, "task_id": f"task-{number}"})


async def deliveries(here: World, holds: Callable[[list[Delivery]], bool], sink: str = "team") -> list[Delivery]:
    """The deliveries to a sink, oldest first, once they are so."""
    watch = here.store.watch()
    try:
        while True:
            found = await here.store.read(lambda tx: tx.deliveries(Filters(sink=sink, limit=500)))
            if holds(found):
                return found[::-1]
            assert await watch.wait(20), found
    finally:
        watch.close()


async def tried(here: World, times: int) -> None:
    """Waits until so many tries have been made at the sink, and have ended."""
    await deliveries(
        here, lambda found: sum(one.attempt for one in found) == times and {one.state for one in found} == {"pending"}
    )


async def operator_events(here: World) -> list[AnyEvent]:
    """What the operator is told, oldest first."""
    bodies = await here.store.read(lambda tx: tx.events(Filters(limit=500)))
    events = [decode_event(body) for body in reversed(bodies)]
    return [event for event in events if not event.type.startswith("job.")]


async def test_a_wait_that_one_delivery_was_told_holds_for_all_to_that_sink(tmp_path: Path) -> None:
    handler = Answers(Again(note="HTTP 429", status=429, after=60.0))
    async with world(tmp_path, rules=(TOLD,), sinks={"team": a_sink(handler)}) as here:
        await picked(here, 0)
        await deliveries(here, lambda found: found[0].attempt == 1 and found[0].state == "pending")
        handler.outcome = Delivered()
        for number in range(1, 6):
            await picked(here, number)
        await here.tick(59)
        assert len(handler.given) == 1
        await here.tick(2)
        found = await deliveries(here, lambda found: all(one.state == "done" for one in found))
    assert [one.attempt for one in found] == [2, 1, 1, 1, 1, 1]


async def test_the_wait_outlives_a_restart(tmp_path: Path) -> None:
    handler = Answers(Again(note="HTTP 429", status=429, after=60.0))
    async with world(tmp_path, rules=(TOLD,), sinks={"team": a_sink(handler)}) as here:
        await picked(here, 0)
        await deliveries(here, lambda found: found[0].attempt == 1 and found[0].state == "pending")
        clock = here.clock
    async with world(tmp_path, rules=(TOLD,), sinks={"team": a_sink(handler)}, clock=clock) as here:
        await picked(here, 1)
        await here.tick(30)
        assert len(handler.given) == 1
        handler.outcome = Delivered()
        await here.tick(31)
        await deliveries(here, lambda found: all(one.state == "done" for one in found))


async def test_a_wait_of_one_sink_delays_no_other(tmp_path: Path) -> None:
    busy, quick = Answers(Again(note="HTTP 429", status=429, after=3600.0)), Answers()
    rule = Rule(name="both", when={"type": "job.completed"}, to=("team", "desk"))
    async with world(tmp_path, rules=(rule,), sinks={"team": a_sink(busy), "desk": a_sink(quick, "desk")}) as here:
        for number in range(3):
            await picked(here, number)
        await deliveries(here, lambda found: len(found) == 3 and all(one.state == "done" for one in found), "desk")


async def test_failures_in_a_row_pause_a_sink_and_what_waits_burns_no_schedule(tmp_path: Path) -> None:
    handler, desk = Answers(FAILS), Answers()
    sinks = {"team": a_sink(handler, pause_after=3), "desk": a_sink(desk, "desk")}
    async with world(tmp_path, rules=(TOLD, OPERATOR), sinks=sinks) as here:
        for number in range(3):
            await picked(here, number)
        await deliveries(here, lambda found: sum(one.attempt for one in found) == 3)
        for number in range(3, 9):
            await picked(here, number)
        await here.tick(FIRST_PROBE_MS / 1000 - 1)
        assert len(handler.given) == 3
        for probe in range(1, 6):
            await here.tick(2_000)
            await tried(here, 3 + probe)
        assert len(handler.given) == 8
        handler.outcome = Delivered()
        await here.tick(2_000)
        found = await deliveries(here, lambda found: all(one.state == "done" for one in found))
        told = await operator_events(here)
        await deliveries(here, lambda found: len(found) == 2 and all(one.state == "done" for one in found), "desk")
    assert len(found) == 9
    assert [(event.type, event.subject) for event in told] == [("sink.failing", "team"), ("sink.recovered", "team")]
    failing = msgspec.to_builtins(told[0].data)
    assert failing == {"sink": "team", "reason": "HTTP 500", "failures": 3, "since": told[0].time}
    assert [outgoing.event.type for outgoing in desk.given] == ["sink.failing", "sink.recovered"]
    assert {outgoing.event.type for outgoing in handler.given} == {"job.completed"}  # never told of itself


async def test_one_probe_at_a_time(tmp_path: Path) -> None:
    handler = Answers(FAILS)
    sink = a_sink(handler, pause_after=1, concurrency=8)
    async with world(tmp_path, rules=(TOLD,), sinks={"team": sink}) as here:
        await picked(here, 0)
        await deliveries(here, lambda found: found[0].attempt == 1 and found[0].state == "pending")
        for number in range(1, 9):
            await picked(here, number)
        handler.gate = asyncio.Event()
        await here.tick(60)
        await deliveries(here, lambda found: any(one.state == "running" for one in found))
        for _ in range(3):
            await here.tick(5)
        assert len(handler.given) == 2
        handler.outcome = Delivered()
        handler.gate.set()
        await here.tick(60)
        await deliveries(here, lambda found: all(one.state == "done" for one in found))


async def test_a_delivery_that_is_given_up_is_told_but_not_that_of_an_operator_event(tmp_path: Path) -> None:
    handler, desk = Answers(Dead(note="HTTP 410", status=410)), Answers(Dead(note="HTTP 404", status=404))
    sinks = {"team": a_sink(handler), "desk": a_sink(desk, "desk")}
    async with world(tmp_path, rules=(TOLD, OPERATOR), sinks=sinks) as here:
        await picked(here, 0)
        (dead,) = await deliveries(here, lambda found: found[0].state == "dead")
        await deliveries(here, lambda found: bool(found) and found[0].state == "dead", "desk")
        (told,) = await operator_events(here)
    data = msgspec.to_builtins(told.data)
    assert told.type == "delivery.dead"
    assert (data["sink"], data["event_type"], data["reason"]) == ("team", "job.completed", "HTTP 410")
    assert set(data) == {"delivery", "sink", "job_id", "event_type", "reason"}
    assert dead.attempt == 1


async def test_a_vendor_that_asks_for_a_wait_is_left_alone_by_all_orders(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(AUTO_HD,)) as here:
        orders: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            if "/upscale" not in request.url.path:
                return httpx.Response(404)
            orders.append(request)
            if len(orders) == 1:
                return httpx.Response(429, headers={"retry-after": "120"})
            return httpx.Response(200, json={"task_id": f"order-{len(orders)}"})

        here.answer = answer
        await picked(here, 0)
        await here.until(lambda jobs: len(orders) == 1)
        for number in range(1, 4):
            await picked(here, number)
        await here.tick(110)
        assert len(orders) == 1
        await here.tick(20)
        await here.until(lambda jobs: sum(job.status == "queued" for job in jobs) == 4)
    assert len(orders) == 5


async def test_a_source_that_refuses_orders_is_told_when_it_stops_and_when_it_recovers(tmp_path: Path) -> None:
    desk = Answers()
    async with world(tmp_path, rules=(AUTO_HD, OPERATOR), sinks={"desk": a_sink(desk, "desk")}) as here:
        here.answer = lambda request: httpx.Response(402, json={"message": "no credits"})
        await picked(here, 0)
        await picked(here, 1)
        await here.until(lambda jobs: sum(job.status in ("failed", "held") for job in jobs) == 2)
        here.answer = lambda request: httpx.Response(200, json={"task_id": "order-1"})
        await here.tick(301)
        await here.until(
            lambda jobs: any(job.status == "queued" for job in jobs) or not any(job.status == "held" for job in jobs)
        )
        told = await operator_events(here)
    assert told[0].type == "source.stopped"
    assert told[0].source == "gridhook/journey"
    assert set(msgspec.to_builtins(told[0].data)) == {"source", "reason", "since"}
