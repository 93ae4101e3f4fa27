"""Budgets and costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.contracts import Budget, CostRow, Filters, Transaction
from receiver.contracts.setup import Limits, Setup
from receiver.flows import budgets, commands
from receiver.flows.reports import report_to
from receiver.lib.times import unstamp
from receiver.model.jobs import Cost, Job, Report
from receiver.views.costs import budget_states
from support.money import a_day
from support.records import NOW, a_report, a_source, four_images
from support.taking import take
from support.world import AUTO_HD, PICKED, TELL, Clock, memory_transaction, world

Turning = Literal["day", "week", "month"]


def hd_statuses(jobs: Sequence[Job]) -> list[str]:
    """The statuses of the HD jobs."""
    return sorted(job.status for job in jobs if job.action == "upscale")


async def test_over_budget_is_held_and_told_once(tmp_path: Path) -> None:
    rules = (AUTO_HD, TELL)
    async with world(tmp_path, rules=rules, limits=a_day("5"), dispatch=False) as here:
        for number in range(4):
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
        assert hd_statuses(await here.jobs()) == ["held", "held", "planned", "planned"]
        held = await here.store.read(lambda tx: tx.events(Filters(type="job.held")))
        assert len(held) == 2
        hold = json.loads(held[0])["data"]["hold"]
        assert (hold["reason"], hold["until"]) == ("budget", "2026-11-19T00:00:00.000Z")


async def test_a_hold_for_budget_ends_when_the_period_turns(tmp_path: Path) -> None:
    async with world(tmp_path, limits=a_day("2")) as here:
        for number in range(2):
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
        await here.until(lambda jobs: hd_statuses(jobs) == ["held", "queued"])
        here.clock.now = unstamp("2026-11-19T00:00:00.000Z") - 1
        await here.tick(0)
        assert "held" in hd_statuses(await here.jobs())
        await here.tick(0.001)
        await here.until(lambda jobs: "held" not in hd_statuses(jobs))


async def test_a_day_that_the_clocks_begin_twice_has_one_budget(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(a_day("4"), time_zone="America/Havana")
    clock = Clock(unstamp("2026-11-01T04:30:00Z"))
    async with world(tmp_path, limits=limits, clock=clock) as here:
        for number in range(2):
            await here.webhook({**PICKED, "task_id": f"first-{number}"})
        await here.until(lambda jobs: hd_statuses(jobs) == ["queued", "queued"])
        clock.now = unstamp("2026-11-01T05:30:00Z")
        await here.webhook({**PICKED, "task_id": "second"})
        assert hd_statuses(await here.jobs()) == ["held", "queued", "queued"]


async def test_a_person_may_send_what_the_budget_holds(tmp_path: Path) -> None:
    async with world(tmp_path, limits=a_day("1")) as here:
        await here.webhook(PICKED)
        (held,) = await here.store.read(lambda tx: tx.jobs(Filters(status="held")))
        await here.store.write(lambda tx: commands.resolve(tx, here.setup, held.job.id, "send", here.clock()))
        await here.until(lambda jobs: hd_statuses(jobs) == ["queued"])
        (row,) = await here.store.read(lambda tx: tx.costs(0))
        assert (row.state, row.amount) == ("reserved", Decimal(2))


async def test_a_refused_order_gives_its_reservation_back(tmp_path: Path) -> None:
    async with world(tmp_path, limits=a_day("2")) as here:
        here.answer = lambda request: httpx.Response(400, json={"errors": [{"msg": "parent task is not finished"}]})
        await here.webhook(PICKED)
        await here.until(lambda jobs: hd_statuses(jobs) == ["failed"])
        (row,) = await here.store.read(lambda tx: tx.costs(0))
        assert row.state == "released"


@pytest.mark.parametrize(("refund", "charged", "amount"), [(None, None, "2"), ("0", "3", "3"), ("0", None, "2")])
async def test_a_failure_that_the_vendor_takes_back_is_paid(
    tmp_path: Path, refund: str | None, charged: str | None, amount: str
) -> None:
    def cost(text: str | None) -> Cost | None:
        return None if text is None else Cost(amount=Decimal(text), unit="credits", source="reported")

    async with world(tmp_path) as here:
        await here.webhook(PICKED)
        await here.until(lambda jobs: hd_statuses(jobs) == ["queued"])
        failed = a_report("failed", provider_job_id=None, cost=cost(refund))
        done = a_report(provider_job_id=None, cost=cost(charged), images=four_images())

        def told(tx: Transaction, report: Report) -> int:
            (kept,) = tx.jobs(Filters(action="upscale"))
            return report_to(tx, here.setup, kept, report, here.clock()).events

        events = [await here.store.write(partial(told, report=one)) for one in (failed, failed, done, failed, done)]
        assert events == [1, 0, 1, 0, 0]
        (row,) = await here.store.read(lambda tx: tx.costs(0))
        assert (row.state, row.amount) == ("spent", Decimal(amount))
        (job,) = [job for job in await here.jobs() if job.action == "upscale"]
        assert (job.status, job.cost and job.cost.amount) == ("completed", Decimal(amount))


async def test_an_unsure_order_stays_reserved_and_counts_twice_once_a_person_sends_it_again(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        answers = iter([httpx.Response(500), httpx.Response(200, json={"task_id": "o"})])
        here.answer = lambda request: next(answers)
        await here.webhook(PICKED)
        jobs = await here.until(lambda jobs: hd_statuses(jobs) == ["unsure"])
        (row,) = await here.store.read(lambda tx: tx.costs(0))
        assert (row.state, row.amount) == ("reserved", Decimal(2))
        await here.store.write(lambda tx: commands.resolve(tx, here.setup, jobs[-1].id, "send", here.clock()))
        await here.until(lambda jobs: hd_statuses(jobs) == ["queued"])
        (row,) = await here.store.read(lambda tx: tx.costs(0))
        assert row.amount == Decimal(4)
        assert len(here.orders) == 2


@pytest.mark.parametrize(("elsewhere", "status"), [("frame", "planned"), ("journey", "held"), ("other", "held")])
def test_a_rules_budget_counts_only_the_credits_of_its_vendor(elsewhere: str, status: str) -> None:
    """What the rule spent at another vendor, before it was changed, is in other credits."""
    tx = memory_transaction()
    budget = Budget(amount=Decimal(5), unit="credits", per="day", sources=frozenset({"journey", "other"}))
    limits = Limits(rule_budgets={"auto-hd": budget})
    earlier = CostRow(
        job=99, source=elsewhere, rule="auto-hd", at=NOW, state="spent", unit="credits", amount=Decimal(4)
    )
    tx.put_cost(earlier)
    setup = Setup(sources={"journey": a_source()}, rules=(AUTO_HD,), limits=limits)
    take(tx, PICKED, setup)
    (upscale,) = tx.jobs(Filters(action="upscale"))
    assert upscale.job.status == status
    (state,) = budget_states(tx, setup, NOW)
    assert (str(state.used), str(state.left)) == {"planned": ("2", "3"), "held": ("4", "1")}[status]


def test_what_a_rules_budget_does_not_count_is_held_and_says_so() -> None:
    """As when what an earlier configuration planned elsewhere is judged again."""
    tx = memory_transaction()
    budget = Budget(amount=Decimal(5), unit="credits", per="day", sources=frozenset({"frame"}))
    limits = Limits(rule_budgets={"auto-hd": budget})
    take(tx, PICKED, Setup(sources={"journey": a_source()}, rules=(AUTO_HD,), limits=limits))
    hold = tx.jobs(Filters(action="upscale"))[0].job.hold
    assert hold is not None
    assert hold.note == "rule auto-hd's budget does not count in the credits of journey"


def test_an_unknown_price_fits_into_no_budget() -> None:
    tx = memory_transaction()
    limits = Limits(rule_budgets={"auto-hd": Budget(amount=Decimal("5"), unit="USD", per="month")})
    take(tx, PICKED, Setup(sources={"journey": a_source()}, rules=(AUTO_HD,), limits=limits))
    hold = tx.jobs(Filters(action="upscale"))[0].job.hold
    assert hold is not None
    assert "not known in USD" in (hold.note or "")


@given(
    st.lists(st.sampled_from(["0.1", "0.2", "0.3", "1", "2.05"]), min_size=1, max_size=40),
    st.decimals("0.1", "20", places=2),
)
def test_reservations_never_exceed_the_budget_by_a_hair(prices: list[str], amount: Decimal) -> None:
    tx = memory_transaction()
    exact = Decimal(0)
    for number, price in enumerate(prices):
        source = a_source(prices={"upscale": Decimal(price)})
        setup = Setup(sources={"journey": source}, rules=(AUTO_HD,), limits=a_day(str(amount)))
        take(tx, {**PICKED, "task_id": f"task-{number}"}, setup)
        fits = exact + Decimal(price) <= amount
        exact += Decimal(price) if fits else 0
        assert (tx.jobs(Filters(action="upscale", limit=1))[0].job.status == "planned") is fits
    assert budgets.used(tx.costs(0), "credits") == exact <= amount


async def test_concurrent_plans_and_a_restart_keep_the_budget(tmp_path: Path) -> None:
    clock = Clock()
    async with world(tmp_path, limits=a_day("10"), dispatch=False, clock=clock) as here:
        await asyncio.gather(*(here.webhook({**PICKED, "task_id": f"a-{number}"}) for number in range(20)))
        assert hd_statuses(await here.jobs()).count("planned") == 5
    async with world(tmp_path, limits=a_day("10"), dispatch=False, clock=clock) as later:
        await later.webhook({**PICKED, "task_id": "b"})
        assert hd_statuses(await later.jobs()).count("planned") == 5


@pytest.mark.parametrize(
    ("zone", "now", "start", "end"),
    [
        ("UTC", "2026-11-18T11:00:00Z", "2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z"),
        ("Asia/Tokyo", "2026-11-18T15:30:00Z", "2026-11-18T15:00:00Z", "2026-11-19T15:00:00Z"),
        ("America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("America/Havana", "2026-11-01T04:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ("America/Havana", "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ("America/Havana", "2026-03-08T05:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
    ],
)
def test_a_day_begins_at_midnight_of_the_time_zone(zone: str, now: str, start: str, end: str) -> None:
    budget = Budget(amount=Decimal(1), unit="credits", per="day")
    assert budgets.period_start(budget, unstamp(now), zone) == unstamp(start)
    assert budgets.period_end(budget, unstamp(now), zone) == unstamp(end)


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        ("week", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("month", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
    ],
)
def test_weeks_begin_on_monday_and_months_on_the_first(per: Turning, start: str, end: str) -> None:
    budget = Budget(amount=Decimal(1), unit="credits", per=per)
    assert budgets.period_start(budget, NOW, "UTC") == unstamp(start)
    assert budgets.period_end(budget, NOW, "UTC") == unstamp(end)


def test_a_total_budget_never_turns() -> None:
    budget = Budget(amount=Decimal(1), unit="credits", per="total")
    assert budgets.period_start(budget, NOW, "UTC") == 0
    assert budgets.period_end(budget, NOW, "UTC") is None


@given(
    st.integers(NOW - 10**11, NOW + 10**11),
    st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_every_moment_lies_in_its_own_period(now: int, zone: str) -> None:
    for per in get_args(Turning):
        budget = Budget(amount=Decimal(1), unit="credits", per=per)
        start, end = budgets.period_start(budget, now, zone), budgets.period_end(budget, now, zone)
        assert end is not None
        assert start <= now < end
        assert budgets.period_start(budget, end, zone) == end


def test_a_chain_that_goes_too_deep_or_too_wide_is_held() -> None:
    tx = memory_transaction()
    setup = Setup(sources={"journey": a_source()}, rules=(AUTO_HD,), limits=Limits(depth=0))
    take(tx, PICKED, setup)
    deep = tx.jobs(Filters(action="upscale"))[0].job
    assert deep.hold is not None
    assert deep.hold.reason == "limit"
    tx = memory_transaction()
    take(tx, PICKED, Setup(sources={"journey": a_source()}, rules=(AUTO_HD,), limits=Limits(jobs=1)))
    wide = tx.jobs(Filters(action="upscale"))[0].job
    assert wide.hold is not None
    assert wide.hold.reason == "limit"


async def test_a_refusing_account_opens_the_breaker_and_a_probe_closes_it(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        broke = True

        def vendor(request: httpx.Request) -> httpx.Response:
            if broke:
                return httpx.Response(402, json={"errors": [{"msg": "Insufficient credits"}]})
            return httpx.Response(200, json={"task_id": f"o-{len(here.calls)}"})

        here.answer = vendor
        await here.webhook(PICKED)
        await here.until(lambda jobs: hd_statuses(jobs) == ["failed"])
        for number in range(3):
            await here.webhook({**PICKED, "task_id": f"later-{number}"})
        await here.until(lambda jobs: hd_statuses(jobs) == ["failed", "held", "held", "held"])
        assert len(here.orders) == 1
        await here.tick(301)
        await here.until(lambda jobs: len(here.orders) == 2)
        await here.until(lambda jobs: hd_statuses(jobs) == ["failed", "held", "held", "held"])
        broke = False
        await here.tick(601)
        await here.until(lambda jobs: hd_statuses(jobs) == ["failed", "queued", "queued", "queued"])
        assert len(here.orders) == 5
        assert await here.store.read(lambda tx: tx.breakers()) == []


async def test_orders_wait_while_the_vendor_has_as_many_as_it_may(tmp_path: Path) -> None:
    async with world(tmp_path, sources=(a_source(concurrency=2),)) as here:
        for number in range(4):
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
        await here.until(lambda jobs: hd_statuses(jobs) == ["planned", "planned", "queued", "queued"])
        assert len(here.orders) == 2
        first = next(job for job in await here.jobs() if job.status == "queued" and job.action == "upscale")
        done = {
            "task_id": first.provider_job_id,
            "task_type": "upscale-2x",
            "status": "finished",
            "image_url": "https://c/hd",
        }
        await here.webhook(done)
        await here.until(lambda jobs: hd_statuses(jobs) == ["completed", "planned", "queued", "queued"])
        assert len(here.orders) == 3
