"""A clock that is set while gridhook runs, and between two runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest

from receiver.contracts import DeliveryContext, Filters, Handler, Sink, Transaction
from receiver.flows.clock_jumps import see_clock
from receiver.lib.times import stamp, unstamp
from receiver.model.deliveries import Again, Delivered, OutgoingEvent
from receiver.model.jobs import Job
from receiver.workers.clock_watch import ClockWatch
from support.clocks import SettableClock
from support.money import a_day
from support.world import AUTO_HD, PICKED, TELL, World, world

HOUR: Final = 3600.0
YEAR: Final = 365 * 24 * HOUR
JUMPS: Final = (-YEAR, -HOUR, HOUR, YEAR)


class Failing(Handler):
    """A sink that fails its first tries, and tells when one was made."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.tries: list[int] = []

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Again | Delivered:
        """One try."""
        self.tries.append(outgoing.attempt)
        return Again(note="not now") if len(self.tries) <= self.failures else Delivered()

    def sink(self, rate: float | None = None) -> Sink:
        """It, with a wait of ten seconds after each try."""
        return Sink(name="team", handler=self, retry=(10.0, 10.0, 10.0), timeout=5.0, concurrency=1, rate=rate)


@asynccontextmanager
async def watched(
    path: Path, clock: SettableClock, *sinks: Sink, **options: object
) -> AsyncIterator[tuple[World, ClockWatch]]:
    """A world whose clock is watched, from before it begins."""
    async with world(path, clock=clock, dispatch=False, sinks={sink.name: sink for sink in sinks}, **options) as here:  # type: ignore[arg-type]
        watch = ClockWatch(here.store, here.setup, clock.steady)
        await here.store.write(lambda tx: see_clock(tx, here.setup, clock.steady.follow(), first=True))
        here.start()
        yield here, watch


async def waits(here: World) -> int:
    """For how long the only waiting delivery waits, ms."""
    (waiting,) = await here.store.read(lambda tx: tx.deliveries(Filters(status="pending")))
    return waiting.due_at - here.clock()


async def tried(here: World, sink: Failing, times: int) -> None:
    """Waits until a sink was tried so often, and the try is settled."""
    watch = here.store.watch()
    async with asyncio.timeout(20):
        while len(sink.tries) < times or await here.store.read(
            lambda tx: bool(tx.deliveries(Filters(status="running", limit=1)))
        ):
            await watch.wait(0.2)
    watch.close()


@pytest.mark.parametrize("by", JUMPS)
async def test_a_retry_waits_no_longer_and_no_shorter_when_the_clock_is_set(tmp_path: Path, by: float) -> None:
    sink = Failing(1)
    clock = SettableClock()
    async with watched(tmp_path, clock, sink.sink(), rules=(TELL,)) as (here, watch):
        await here.webhook(PICKED)
        await tried(here, sink, 1)
        clock.pass_by(4)
        clock.set_by(by)
        await watch.look()
        assert await waits(here) == 6_000
        await here.tick(5)
        assert len(sink.tries) == 1
        await here.tick(1)
        await tried(here, sink, 2)


@pytest.mark.parametrize("by", JUMPS)
@pytest.mark.parametrize("boot", ["a boot", "another"])
async def test_a_retry_waits_no_longer_when_the_clock_is_set_between_two_runs(
    tmp_path: Path, by: float, boot: str
) -> None:
    sink = Failing(1)
    clock = SettableClock()
    async with watched(tmp_path, clock, sink.sink(), rules=(TELL,)) as (here, _):
        await here.webhook(PICKED)
        await tried(here, sink, 1)
        await here.store.write(lambda tx: see_clock(tx, here.setup, clock.steady.follow(), first=False))
    clock.pass_by(4)
    clock.set_by(by)
    clock.since_boot = clock.since_boot if boot == "a boot" else 3
    clock.start_run(boot)
    async with watched(tmp_path, clock, sink.sink(), rules=(TELL,)) as (later, _):
        if boot != "a boot" and by > 0:
            await tried(later, sink, 2)
            return
        assert await waits(later) == (6_000 if boot == "a boot" else 10_000)
        await later.tick(10)
        await tried(later, sink, 2)


async def test_a_sinks_rate_holds_nothing_up_when_the_clock_is_set_back(tmp_path: Path) -> None:
    sink = Failing(0)
    clock = SettableClock()
    async with watched(tmp_path, clock, sink.sink(rate=1.0), rules=(TELL,)) as (here, watch):
        await here.webhook(PICKED)
        await tried(here, sink, 1)
        clock.set_by(-HOUR)
        await watch.look()
        await here.webhook({**PICKED, "task_id": "another"})
        await tried(here, sink, 2)


async def test_what_was_read_off_the_clock_just_before_it_was_set_back_waits_for_nothing(tmp_path: Path) -> None:
    sink = Failing(0)
    clock = SettableClock()
    async with watched(tmp_path, clock, sink.sink(), rules=(TELL,)) as (here, watch):
        clock.set_by(-HOUR)
        late = clock()
        await watch.look()
        right, clock.now = clock.now, late
        here.clock = lambda: late  # type: ignore[assignment]
        await here.webhook(PICKED)
        clock.now, here.clock = right, clock
        await here.tick(1)
        await watch.look()
        await tried(here, sink, 1)


@pytest.mark.parametrize("by", JUMPS)
async def test_a_job_is_asked_for_and_never_failed_early_when_the_clock_is_set(tmp_path: Path, by: float) -> None:
    clock = SettableClock()
    async with watched(tmp_path, clock, rules=(AUTO_HD,)) as (here, watch):
        await here.webhook(PICKED)
        await here.until(lambda jobs: statuses(jobs) == ["completed", "queued"])
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.path)
            return httpx.Response(200, json={"task_id": "order-1", "task_type": "upscale-2x", "status": "processing"})

        here.answer = answer
        clock.pass_by(1)
        clock.set_by(by)
        await watch.look()
        await here.until(lambda jobs: statuses(jobs) == ["completed", "running"])
        assert len(asked) == 1
        (kept,) = await here.store.read(lambda tx: tx.jobs(Filters(action="upscale")))
        assert unstamp(str(kept.job.deadline)) == clock() + 1_799_000
        await here.tick(1800)
        await here.until(lambda jobs: statuses(jobs) == ["completed", "failed"])


def statuses(jobs: Sequence[Job]) -> list[str]:
    """The statuses of the jobs, in order of their alphabet."""
    return sorted(job.status for job in jobs)


@pytest.mark.parametrize("by", JUMPS)
async def test_a_list_goes_by_what_the_clock_showed_when_its_rows_were_made(tmp_path: Path, by: float) -> None:
    clock = SettableClock()
    async with watched(tmp_path, clock, rules=(TELL,)) as (here, watch):
        shown: dict[str, int] = {}
        for turn in range(8):
            clock.pass_by(600)
            if turn in (3, 6):
                clock.set_by(by if turn == 3 else -by)
                await watch.look()
            taken = await here.webhook({**PICKED, "task_id": f"task-{turn}"})
            shown[taken.request] = clock()
        moments = sorted(shown.values())
        for since in (moments[2] - 60_000, moments[5]):
            for until in (moments[5] + 60_000, moments[7]):
                wanted = Filters(since=since, until=until)
                found = await here.store.read(lambda tx, wanted=wanted: received(tx, wanted))  # type: ignore[misc]
                assert sorted(found) == [moment for moment in moments if since <= moment < until]
                assert len(await here.store.read(lambda tx, wanted=wanted: tx.jobs(wanted))) == len(found)  # type: ignore[misc]
        assert sorted(await here.store.read(lambda tx: received(tx, Filters()))) == moments
    async with world(tmp_path, clock=clock, dispatch=False) as later:
        assert sorted(await later.store.read(lambda tx: received(tx, Filters()))) == moments


def received(tx: Transaction, wanted: Filters) -> list[int]:
    """When the requests of a list came."""
    return [request.received_at or 0 for request in tx.requests(wanted)]


async def test_a_budget_of_the_day_is_kept_when_the_clock_is_set_back(tmp_path: Path) -> None:
    clock = SettableClock()
    async with watched(tmp_path, clock, limits=a_day("2")) as (here, watch):
        await here.webhook(PICKED)
        await here.until(lambda jobs: statuses(jobs) == ["completed", "queued"])
        clock.set_by(-24 * HOUR)
        await watch.look()
        await here.webhook({**PICKED, "task_id": "another"})
        assert statuses(await here.jobs()) == ["completed", "completed", "held", "queued"]


async def test_an_idle_watch_writes_once_a_minute(tmp_path: Path) -> None:
    clock = SettableClock()
    async with watched(tmp_path, clock) as (here, watch):
        kept = []
        for _ in range(120):
            clock.pass_by(1)
            await watch.look()
            kept.append(await here.store.read(lambda tx: tx.clock_reading()))
        assert len({stamp(reading.wall) for reading in kept if reading is not None}) == 3


async def test_a_run_watches_the_clock_and_keeps_a_last_reading(tmp_path: Path) -> None:
    clock = SettableClock()
    async with world(tmp_path, clock=clock, dispatch=False) as here:
        watch = ClockWatch(here.store, here.setup, clock.steady)
        await watch.start()
        clock.pass_by(2)
        clock.set_by(HOUR)
        seen = here.store.watch()
        while (reading := await here.store.read(lambda tx: tx.clock_reading())) is None or reading.wall != clock.now:
            assert await seen.wait(20)
        seen.close()
        assert clock() == clock.now
        clock.pass_by(1)
        await watch.stop()
        last = await here.store.read(lambda tx: tx.clock_reading())
        assert last == msgspec.structs.replace(reading, wall=clock.now, steady=clock.since_boot)
