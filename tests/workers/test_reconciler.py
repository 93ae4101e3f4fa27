"""Asking vendors about jobs whose webhooks do not come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
import pytest

from receiver.contracts import Budget, Filters, Source
from receiver.contracts import NoOptions as MartOptions
from receiver.contracts.setup import Limits
from receiver.errors import NotPossible
from receiver.flows import commands
from receiver.flows.open_jobs import check_everything_open
from receiver.lib.signatures import Secret
from receiver.lib.times import stamp, unstamp
from receiver.model import submissions
from receiver.model.events import OperatorEvent, decode_event
from receiver.model.jobs import Job, Then
from receiver.model.rules import Rule
from receiver.providers.apimart import APIMart
from receiver.providers.vtrix import Vtrix, VtrixOptions
from support.money import a_day
from support.records import NOW, a_job, a_source
from support.world import AUTO_HD, PICKED, TELL, Answering, World, world

GRID = {"image_url": "https://c/grid.png", "image_urls": [f"https://c/{tile}.png" for tile in range(4)]}
HD = {"task_type": "upscale-2x", "status": "finished", "image_url": "https://c/hd.png"}


def hd(jobs: list[Job]) -> Job:
    """The HD job."""
    return next(job for job in jobs if job.action == "upscale")


def vendor(here: World, task: Mapping[str, object] | None) -> Answering:
    """A vendor that takes orders and tells this of every task it is asked for."""
    orders = iter(range(1, 100))

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path.endswith("/fetch"):
            if task is None:
                return httpx.Response(404, json={"errors": [{"msg": "task not found"}]})
            return httpx.Response(200, json={"task_id": body["task_id"], **task})
        if request.url.path.endswith("/fetch-many"):
            return httpx.Response(200, json={"tasks": [{"task_id": one, **(task or {})} for one in body["task_ids"]]})
        return httpx.Response(200, json={"task_id": f"order-{next(orders)}"})

    return answer


def apimart() -> Source:
    """An account whose vendor documents how long it keeps results."""
    source = a_source("mart", provider=APIMart(MartOptions()))
    assert source.provider.retention is not None
    return source


def looks(here: World) -> list[httpx.Request]:
    """The status queries that were made."""
    return [call for call in here.calls if "/fetch" in call.url.path]


async def ordered(here: World) -> Job:
    """The HD job once the vendor has it."""
    await here.webhook(PICKED)
    return hd(await here.until(lambda jobs: any(job.status == "queued" and job.action == "upscale" for job in jobs)))


async def test_a_job_whose_webhook_does_not_come_is_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, HD)
        await ordered(here)
        await here.tick(59)
        assert looks(here) == []
        await here.tick(2)
        done = hd(await here.until(lambda jobs: hd(jobs).status == "completed"))
        assert done.images[0].url == "https://c/hd.png"
        assert [job.action for job in await here.jobs()] == ["pick", "upscale"]
        assert len(looks(here)) == 1
        await here.tick(24 * 3600)
        assert len(looks(here)) == 1


async def test_progress_pushes_the_look_out(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, HD)
        job = await ordered(here)
        await here.tick(50)
        await here.webhook(
            {**HD, "task_id": job.provider_job_id, "status": "processing", "percentage": "10", "image_url": None}
        )
        (kept,) = await here.store.read(lambda tx: tx.jobs(Filters(action="upscale")))
        assert kept.check_at == here.clock() + 60_000


async def test_a_job_that_is_not_done_is_asked_again_every_so_often(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, {**HD, "status": "processing", "percentage": "40", "image_url": None})
        await ordered(here)
        for look in (1, 2, 3):
            await here.tick(61 if look == 1 else 21)
            await here.until(lambda jobs, look=look: len(looks(here)) == look)  # type: ignore[misc]
            watch = here.store.watch()
            while (
                kept := (await here.store.read(lambda tx: tx.jobs(Filters(action="upscale"))))[0]
            ).check_at != here.clock() + 20_000:
                assert await watch.wait(5), kept.check_at
            watch.close()
        assert hd(await here.jobs()).progress == 40


async def test_many_silent_jobs_are_asked_for_in_batches_oldest_first(tmp_path: Path) -> None:
    source = a_source(concurrency=100)
    async with world(tmp_path, sources=(source,)) as here:
        here.answer = vendor(here, HD)
        for number in range(25):
            await here.webhook({**PICKED, "task_id": f"task-{number}"})
        await here.until(lambda jobs: sum(job.status == "queued" for job in jobs) == 25)
        await here.tick(61)
        await here.until(lambda jobs: all(job.status == "completed" for job in jobs))
        asked = [json.loads(call.content) for call in looks(here)]
        assert [len(body["task_ids"]) for body in asked] == [20, 5]


async def test_after_downtime_everything_open_is_looked_at(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, HD)
        await ordered(here)
        clock = here.clock
    clock.pass_by(12 * 3600)
    async with world(tmp_path, clock=clock) as later:
        later.answer = vendor(later, HD)
        done = hd(await later.until(lambda jobs: hd(jobs).status == "completed"))
        assert done.error is None


async def test_a_start_asks_for_everything_open_at_once_however_short_the_downtime(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, HD)
        await ordered(here)
        clock = here.clock
    clock.pass_by(6)
    async with world(tmp_path, clock=clock) as later:
        later.answer = vendor(later, HD)
        done = hd(await later.until(lambda jobs: hd(jobs).status == "completed"))
        assert done.finished_at == stamp(clock())
        assert len(looks(later)) == 1


async def test_what_expires_first_is_asked_for_first_after_a_start(tmp_path: Path) -> None:
    source = apimart()
    async with world(tmp_path, sources=(source,), dispatch=False) as here:
        submitted = {1: 50, 2: 10, 3: 40, 4: 20, 5: 30}
        for number, minutes in submitted.items():
            at = stamp(here.clock() - minutes * 60_000)
            job = a_job(number, provider_job_id=f"task-{number}", submitted_at=at, created_at=stamp(NOW - 10**8))
            kept = msgspec.structs.replace(
                job.with_job(source=source.name), intent=f"test-{number}", check_at=here.clock() + 60_000
            )
            await here.store.write(lambda tx, kept=kept: tx.add_job(kept))  # type: ignore[misc]
        await here.store.write(lambda tx: check_everything_open(tx, here.setup, here.clock()))
        due = await here.store.read(lambda tx: tx.due_checks(source.name, here.clock(), 10))
        assert [kept.number for kept in due] == [1, 3, 5, 4, 2]


async def test_what_is_held_is_judged_again_at_a_start(tmp_path: Path) -> None:
    async with world(tmp_path, limits=a_day("1")) as here:
        await here.webhook(PICKED)
        assert hd(await here.jobs()).status == "held"
        clock = here.clock
    async with world(tmp_path, limits=a_day("2"), clock=clock) as later:
        await later.until(lambda jobs: hd(jobs).status == "queued")


async def test_a_job_the_vendor_never_finishes_fails_at_its_deadline_and_may_still_complete_late(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, {**HD, "status": "processing", "percentage": "40", "image_url": None})
        job = await ordered(here)
        await here.tick(1801)
        failed = hd(await here.until(lambda jobs: hd(jobs).status == "failed"))
        assert failed.error is not None
        assert failed.error.code == "provider_timeout"
        await here.webhook({**HD, "task_id": job.provider_job_id})
        late = hd(await here.jobs())
        assert (late.status, late.error) == ("completed", None)


async def test_a_job_the_vendor_does_not_know_is_given_up_at_its_deadline_only(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, None)
        await ordered(here)
        await here.tick(61)
        await here.until(lambda jobs: len(looks(here)) == 1)
        assert hd(await here.jobs()).status == "queued"
        await here.tick(1800)
        failed = hd(await here.until(lambda jobs: hd(jobs).status == "failed"))
        assert failed.error is not None
        assert failed.error.code == "expired"


async def test_a_key_that_the_vendor_tells_in_its_answer_goes_no_further(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(
            here, {"status": "failed", "error_reason": "no access with japi_live_1", "message": "japi_live_1"}
        )
        await ordered(here)
        await here.tick(61)
        await here.until(lambda jobs: hd(jobs).status == "failed")
        events = await here.store.read(lambda tx: tx.events(Filters()))
        assert any(b"***" in body for body in events)
        assert not any(b"japi_live_1" in body for body in events)


async def test_a_vendor_that_cannot_be_reached_is_asked_again_and_nothing_is_given_up(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, HD)
        await ordered(here)
        works, broken = here.answer, True

        def sometimes(request: httpx.Request) -> httpx.Response | Awaitable[httpx.Response]:
            if broken:
                raise httpx.ReadTimeout("slow")
            return works(request)

        here.answer = sometimes
        for asked in range(1, 6):
            await here.tick(1000)
            await here.until(lambda jobs, asked=asked: len(looks(here)) >= asked)  # type: ignore[misc]
            watch = here.store.watch()
            while (
                (await here.store.read(lambda tx: tx.jobs(Filters(action="upscale"))))[0].check_at or 0
            ) <= here.clock():
                assert await watch.wait(5)
            watch.close()
        assert hd(await here.jobs()).status == "queued"
        broken = False
        await here.tick(1000)
        await here.until(lambda jobs: hd(jobs).status == "completed")


async def test_a_source_without_webhooks_is_polled_from_the_start_and_gives_no_url(tmp_path: Path) -> None:
    async with world(tmp_path, sources=(a_source(webhooks=False),)) as here:
        here.answer = vendor(here, HD)
        await ordered(here)
        assert "webhook_url" not in here.orders[0]
        await here.tick(21)
        await here.until(lambda jobs: hd(jobs).status == "completed")


async def test_an_idle_system_makes_no_calls(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(TELL,)) as here:
        await here.webhook(PICKED)
        for _ in range(10):
            await here.tick(3600)
        assert here.calls == []


@pytest.mark.parametrize("vendors_id", ["..", "."])
async def test_a_job_whose_id_leads_to_no_address_is_never_asked_for_and_ends_in_time(
    tmp_path: Path, vendors_id: str
) -> None:
    async with world(tmp_path, sources=(apimart(),), dispatch=False) as here:
        kept = a_job(status="running", source="mart", provider="apimart", provider_job_id=vendors_id)
        await here.store.write(lambda tx: tx.add_job(kept))
        here.start()
        while not (looked := await here.store.read(lambda tx: tx.job(1))) or not looked.missed_checks:
            await here.tick(0)
        # As long as the vendor keeps results, and longer.
        await here.tick(4 * 24 * 3600)
        (failed,) = await here.until(lambda jobs: jobs[0].status == "failed")
        assert failed.error is not None
        assert failed.error.code == "provider_timeout"
        assert here.calls == []


async def test_another_tools_job_is_asked_for_too_and_ends_at_its_deadline(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(TELL,)) as here:
        here.answer = vendor(here, None)
        await here.webhook({"task_id": "theirs", "task_type": "imagine", "status": "processing", "percentage": "5"})
        await here.tick(61)
        await here.until(lambda jobs: len(looks(here)) == 1)
        await here.tick(2000)
        (failed,) = await here.until(lambda jobs: jobs[0].status == "failed")
        assert failed.error is not None
        assert failed.error.code == "expired"
        await here.webhook({"task_id": "theirs", "task_type": "imagine", "status": "finished", **GRID})
        assert (await here.jobs())[0].status == "completed"


async def test_another_tools_job_that_nobody_can_be_asked_about_ends_once_it_falls_silent(tmp_path: Path) -> None:
    source = a_source(api_key=None)
    async with world(tmp_path, rules=(AUTO_HD, TELL), sources=(source,)) as here:
        for percent in ("5", "10"):
            await here.webhook({**PICKED, "status": "processing", "percentage": percent, "image_url": None})
            await here.tick(1799)
        assert (await here.jobs())[0].status == "running"
        await here.tick(1)
        (failed,) = await here.until(lambda jobs: jobs[0].status == "failed")
        assert failed.error is not None
        assert failed.error.code == "provider_timeout"
        assert len(await here.store.read(lambda tx: tx.events(Filters(type="job.failed")))) == 1
        assert (await here.webhook(PICKED)).events == 1
        assert [job.status for job in await here.jobs()] == ["completed", "planned"]


async def test_a_job_of_a_source_that_is_configured_no_more_ends_too(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(), sources=(a_source("gone", api_key=None), a_source())) as here:
        await here.webhook({**PICKED, "status": "processing", "image_url": None}, "gone")
        clock = here.clock
    clock.pass_by(5000)
    async with world(tmp_path, clock=clock) as later:
        watch = later.store.watch()
        # What it told while we were down may come again now.
        while await later.store.read(lambda tx: tx.next_check(["gone"])) != clock() + 60_000:
            assert await watch.wait(5)
        watch.close()
        assert (await later.jobs())[0].status == "running"
        await later.tick(60)
        await later.until(lambda jobs: jobs[0].status == "failed")


@pytest.mark.parametrize("left", [(a_source("other"),), (a_source(api_key=None),)])
async def test_a_job_that_can_be_asked_for_no_more_is_given_up_at_its_deadline_and_not_at_its_next_look(
    tmp_path: Path, left: tuple[Source, ...]
) -> None:
    async with world(tmp_path) as here:
        await ordered(here)
        clock = here.clock
    clock.pass_by(61)
    async with world(tmp_path, clock=clock, sources=left) as later:
        watch = later.store.watch()
        for seconds in (0, 300):
            await later.tick(seconds)
            while await later.store.read(lambda tx: tx.next_check(["journey"])) != deadline(hd(await later.jobs())):
                assert await watch.wait(5)
        watch.close()
        assert hd(await later.jobs()).status == "queued"
        await later.tick(1800)
        await later.until(lambda jobs: hd(jobs).status == "failed")


def deadline(job: Job) -> int:
    """When a job is given up."""
    assert job.deadline is not None
    return unstamp(job.deadline)


async def test_what_waits_at_a_source_that_is_configured_no_more_keeps_waiting(tmp_path: Path) -> None:
    gone = Limits(budgets={"gone": Budget(amount=Decimal(1), unit="credits", per="day")})
    rules = (msgspec.structs.replace(AUTO_HD, to=()),)
    async with world(tmp_path, rules=rules, sources=(a_source("gone"),), limits=gone) as here:
        await here.webhook(PICKED, "gone")
        assert hd(await here.jobs()).status == "held"
        clock = here.clock
    async with world(tmp_path, clock=clock, sources=(a_source(),)) as later:
        await later.tick(3 * 24 * 3600)
        watch = later.store.watch()
        while await later.store.read(lambda tx: tx.checked_sources()):
            assert await watch.wait(5)
        watch.close()
        assert hd(await later.jobs()).status == "held"


# --- confirm ---------------------------------------------------------------------------------------------------------


def unsigned() -> Source:
    """A source that only a token in the path protects."""
    return a_source(secrets=(), token=Secret("a-token"))


@pytest.mark.parametrize(("told", "statuses"), [(HD, ["queued"]), (None, ["failed"])])
async def test_an_unsigned_result_is_read_back_before_it_costs_anything(
    tmp_path: Path, told: Mapping[str, object] | None, statuses: list[str]
) -> None:
    async with world(tmp_path, sources=(unsigned(),)) as here:
        here.answer = vendor(here, told)
        await here.webhook(PICKED, token="a-token")
        job = hd(await here.until(lambda jobs: hd(jobs).status in ("queued", "failed")))
        assert [job.status] == statuses
        assert [call.url.path.rsplit("/", 1)[1] for call in here.calls] == ["fetch", "upscale-2x-4x"][
            : 1 + (told is not None)
        ]


async def test_a_vendor_that_cannot_confirm_now_is_asked_again_before_anything_is_ordered(tmp_path: Path) -> None:
    async with world(tmp_path, sources=(unsigned(),)) as here:

        def down(request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("slow")

        here.answer = down
        await here.webhook(PICKED, token="a-token")
        await here.until(lambda jobs: len(here.calls) == 1 and hd(jobs).status == "planned")
        here.answer = vendor(here, HD)
        await here.tick(10)
        await here.until(lambda jobs: hd(jobs).status == "queued")


async def test_confirm_can_be_turned_off(tmp_path: Path) -> None:
    trusting = msgspec.structs.replace(unsigned(), confirm=False)
    async with world(tmp_path, sources=(trusting,)) as here:
        await here.webhook(PICKED, token="a-token")
        await here.until(lambda jobs: hd(jobs).status == "queued")
        assert len(here.calls) == 1


# --- resolve ---------------------------------------------------------------------------------------------------------


async def unsure(here: World) -> Job:
    """An order whose fate is not known."""
    here.answer = lambda request: httpx.Response(500)
    await here.webhook(PICKED)
    return hd(await here.until(lambda jobs: hd(jobs).status == "unsure"))


async def test_a_person_gives_an_unsure_order_up_and_a_late_result_still_counts(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        job = await unsure(here)
        ref = here.orders[0]["webhook_url"].rsplit("/", 1)[1]
        await here.store.write(lambda tx: commands.resolve(tx, here.setup, job.id, "give-up", here.clock()))
        assert hd(await here.jobs()).status == "failed"
        await here.webhook({**HD, "task_id": "late"}, token=ref)
        assert hd(await here.jobs()).status == "completed"


async def test_an_unsure_order_that_the_vendor_cannot_be_asked_about_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        job = await unsure(here)
        with pytest.raises(NotPossible, match="cannot be asked"):
            await here.store.write(lambda tx: commands.resolve(tx, here.setup, job.id, "check", here.clock()))


async def test_check_asks_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = vendor(here, HD)
        job = await ordered(here)
        await here.store.write(lambda tx: commands.resolve(tx, here.setup, job.id, "check", here.clock()))
        await here.until(lambda jobs: hd(jobs).status == "completed")


@pytest.mark.parametrize("decision", ["check", "send", "give-up"])
async def test_what_is_over_is_not_resolved(tmp_path: Path, decision: submissions.Decision) -> None:
    async with world(tmp_path, rules=()) as here:
        await here.webhook(PICKED)
        (job,) = await here.jobs()
        with pytest.raises(NotPossible):
            await here.store.write(lambda tx: commands.resolve(tx, here.setup, job.id, decision, here.clock()))


async def test_a_planned_order_is_canceled_without_a_call(tmp_path: Path) -> None:
    async with world(tmp_path, dispatch=False) as here:
        await here.webhook(PICKED)
        (kept,) = await here.store.read(lambda tx: tx.jobs(Filters(action="upscale")))
        await here.store.write(lambda tx: commands.cancel(tx, here.setup, kept, here.clock()))
        here.start()
        await here.until(lambda jobs: hd(jobs).status == "canceled")
        watch = here.store.watch()
        while (await here.store.read(lambda tx: tx.deliveries(Filters())))[0].state != "done":
            assert await watch.wait(5)
        watch.close()
        assert here.calls == []
        (row,) = await here.store.read(lambda tx: tx.costs(0))
        assert row.state == "released"


async def test_what_the_vendor_has_taken_cannot_be_canceled_where_it_has_no_way(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await ordered(here)
        (kept,) = await here.store.read(lambda tx: tx.jobs(Filters(action="upscale")))
        with pytest.raises(NotPossible, match="no way to stop"):
            await here.store.write(lambda tx: commands.cancel(tx, here.setup, kept, here.clock()))
        await asyncio.sleep(0)


@pytest.mark.parametrize("told", ["completed", "in_progress"])
async def test_a_tile_taken_out_of_an_unsigned_grid_is_no_proof_of_the_grid(tmp_path: Path, told: str) -> None:
    """Vtrix: the pick is no call, so what is paid for first is the enlargement of the tile."""
    provider = Vtrix(VtrixOptions())
    source = a_source("vt", provider=provider, base_url="https://vtrix.test", secrets=(), token=Secret("a-token"))
    chain = Then(action="pick", params={"index": 2}, then=(Then(action="upscale", params={"kind": "subtle"}),))
    rule = Rule(name="hd", when={"type": "job.completed", "action": "imagine"}, then=(chain,))
    pictures = [{"type": "image", "url": f"https://c/{tile}.png", "jobId": "out"} for tile in range(4)]
    grid = {"id": "grid-1", "status": "completed", "model": "midjourney_diffusion", "output": [{"content": pictures}]}
    async with world(tmp_path, sources=(source,), rules=(rule,)) as here:

        def vendor(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return httpx.Response(200, json={**grid, "status": told})
            return httpx.Response(200, json={"id": "hd-1", "status": "in_progress"})

        here.answer = vendor
        await here.webhook(grid, "vt", token="a-token")
        job = hd(
            await here.until(lambda jobs: any(job.action == "upscale" and job.status != "planned" for job in jobs))
        )
        await here.until(lambda jobs: hd(jobs).status in ("running", "queued", "failed"))
        assert [call.method for call in here.calls] == ["GET", "POST"][: 1 + (told == "completed")]
        assert job.parent_id is not None


OPERATOR = Rule(name="operator", when={"type": "source.*"})
IMAGINE = submissions.Submission(source="journey", action="imagine", params={"prompt": "a lighthouse"})


async def operator_events(here: World) -> list[str]:
    """The types of what the operator was told, oldest first."""
    bodies = await here.store.read(lambda tx: tx.events(Filters(limit=500)))
    return [event.type for event in map(decode_event, reversed(bodies)) if isinstance(event, OperatorEvent)]


async def submitted(here: World, count: int) -> None:
    """Jobs of ours that complete by asking only, one after the other."""
    for _ in range(count):
        await here.store.write(lambda tx: commands.submit(tx, here.setup, IMAGINE, here.clock()))
        await here.until(lambda jobs: any(job.status == "queued" for job in jobs))
        await here.tick(400)
        await here.until(lambda jobs: all(job.status == "completed" for job in jobs))
        here.clock.pass_by(10)


async def test_webhooks_that_never_come_are_told_once_after_three_jobs(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(OPERATOR,)) as here:
        here.answer = vendor(here, {**HD, "task_type": "imagine"})
        await submitted(here, 2)
        assert await operator_events(here) == []
        await submitted(here, 3)
        assert await operator_events(here) == ["source.webhooks_missing"]


async def test_a_webhook_of_the_source_begins_the_count_anew(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(OPERATOR,)) as here:
        here.answer = vendor(here, {**HD, "task_type": "imagine"})
        await submitted(here, 2)
        await here.webhook(PICKED)
        here.clock.pass_by(1)
        await submitted(here, 2)
        assert await operator_events(here) == []


async def test_a_source_without_webhooks_misses_none(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(OPERATOR,), sources=(a_source(webhooks=False),)) as here:
        here.answer = vendor(here, {**HD, "task_type": "imagine"})
        await submitted(here, 4)
        assert await operator_events(here) == []
