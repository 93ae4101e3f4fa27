"""The order protocol: at most one paid call per intent, whatever breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from receiver.contracts import (
    Call,
    Filters,
    Order,
    Source,
)
from receiver.contracts.options import NoOptions
from receiver.lib.signatures import ref_of
from receiver.model.deliveries import Delivery
from receiver.model.jobs import Job, Then
from receiver.providers.journeyapi import JourneyAPI
from receiver.workers.order_outcomes import recover
from support.records import a_source
from support.stores import a_store
from support.world import AUTO_HD, PICKED, TELL, Answering, World, world


def hd(jobs: list[Job]) -> Job:
    """The one HD job."""
    (job,) = [job for job in jobs if job.action == "upscale"]
    return job


def hd_is(*statuses: str) -> Callable[[list[Job]], bool]:
    """Whether there is an HD job in one of these statuses."""
    return lambda jobs: any(job.action == "upscale" and job.status in statuses for job in jobs)


def hanging() -> tuple[asyncio.Event, Answering]:
    """A network that never answers, and the event that it was asked."""
    asked, forever = asyncio.Event(), asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        asked.set()
        await forever.wait()
        raise AssertionError

    return asked, hang


def sent(world: World, count: int, *statuses: str) -> Callable[[list[Job]], bool]:
    """Whether so many calls were made and the HD job is in one of these statuses."""
    return lambda jobs: len(world.calls) == count and hd_is(*statuses)(jobs)


async def settle(world: World, *statuses: str) -> Job:
    """The HD job once it is in one of these statuses."""
    return hd(await world.until(hd_is(*statuses)))


async def test_an_order_goes_out_as_documented_with_a_ref_that_leads_back(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.webhook(PICKED)
        job = await settle(here, "queued")
        (body,) = here.orders
        assert body.pop("webhook_url").startswith("https://hooks.test/in/journey/")
        assert body == {"parent_task_id": PICKED["task_id"], "type": "2x", "webhook_secret": "hook-secret"}
        assert here.calls[0].headers["authorization"] == "japi_live_1"
        assert job.provider_job_id == "order-1"
        assert job.submitted_at is not None
        assert job.deadline is not None


async def test_extra_of_a_rule_goes_into_the_order_and_makes_it_another_one(tmp_path: Path) -> None:
    follow_ups = tuple(Then(action="upscale", params={"kind": "2x"}, extra=extra) for extra in ({}, {"seed": 7}))
    rule = msgspec.structs.replace(AUTO_HD, then=follow_ups)
    async with world(tmp_path, rules=(rule,)) as here:
        await here.webhook(PICKED)
        await here.until(lambda jobs: sum(job.status == "queued" for job in jobs) == 2)
        assert sorted(body.get("seed", 0) for body in here.orders) == [0, 7]
        assert all(job.params == {"kind": "2x"} for job in await here.jobs() if job.action == "upscale")


async def test_submitting_is_on_disk_before_the_call_is_made(tmp_path: Path) -> None:
    seen: list[str] = []

    async with world(tmp_path) as here:

        async def look(request: httpx.Request) -> httpx.Response:
            seen.append(hd(await here.jobs()).status)
            return httpx.Response(200, json={"task_id": "order-1"})

        here.answer = look
        await here.webhook(PICKED)
        await settle(here, "queued")
    assert seen == ["submitting"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(400, json={"errors": [{"msg": "parent task is not finished"}]}), "failed"),
        (httpx.Response(401, json={}), "failed"),
        (httpx.Response(402, json={"errors": [{"msg": "Insufficient credits"}]}), "failed"),
        (httpx.Response(500, json={}), "unsure"),
        (httpx.Response(502, text="<html>bad gateway"), "unsure"),
        (httpx.Response(200, text="<html>welcome"), "unsure"),
        (httpx.Response(200, json={}), "unsure"),
        (httpx.Response(200, json={"task_id": ""}), "unsure"),
        (httpx.Response(302, headers={"location": "https://elsewhere.test"}), "unsure"),
        (httpx.ReadTimeout("slow"), "unsure"),
        (httpx.ReadError("reset"), "unsure"),
        (httpx.WriteError("reset"), "unsure"),
        (httpx.RemoteProtocolError("cut"), "unsure"),
        (RuntimeError("a fault in the library"), "unsure"),
    ],
)
async def test_an_order_whose_fate_is_not_known_is_unsure_and_not_sent_again(
    tmp_path: Path, answer: httpx.Response | Exception, status: str
) -> None:
    async with world(tmp_path, rules=(AUTO_HD, TELL), sinks={}) as here:

        def give(request: httpx.Request) -> httpx.Response:
            if isinstance(answer, Exception):
                raise answer
            return answer

        here.answer = give
        await here.webhook(PICKED)
        job = await settle(here, status)
        assert job.status == status
        here.clock.pass_by(24 * 3600)
        await here.webhook(PICKED)
        assert len(here.orders) == 1
        kinds = [json.loads(body)["type"] for body in await here.store.read(lambda tx: tx.events(Filters()))]
        assert kinds[0] == f"job.{status}"


@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")]
)
async def test_an_order_that_was_never_sent_is_sent_again_later(tmp_path: Path, trouble: Exception) -> None:
    async with world(tmp_path) as here:
        answers: Iterator[httpx.Response | Exception] = iter(
            [trouble, httpx.Response(200, json={"task_id": "order-1"})]
        )

        def give(request: httpx.Request) -> httpx.Response:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        here.answer = give
        await here.webhook(PICKED)
        await here.until(lambda _: bool(here.calls))
        await here.until(lambda jobs: hd(jobs).status == "planned")
        here.clock.pass_by(10)
        await here.webhook(PICKED)
        assert (await settle(here, "queued")).provider_job_id == "order-1"
        assert len(here.calls) == 2


async def test_429_waits_as_long_as_the_vendor_asks(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        answers = iter(
            [httpx.Response(429, headers={"retry-after": "120"}, json={}), httpx.Response(200, json={"task_id": "o"})]
        )
        here.answer = lambda request: next(answers)
        await here.webhook(PICKED)
        await here.until(lambda _: bool(here.calls))
        await here.until(lambda jobs: hd(jobs).status == "planned")
        (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters()))
        assert (delivery.state, delivery.due_at) == ("pending", here.clock() + 120_000)


async def test_an_idempotent_vendor_gets_the_same_key_again(tmp_path: Path) -> None:
    source = a_source()

    class Idempotent(JourneyAPI):
        idempotent = True

    twin = msgspec.structs.replace(source, provider=Idempotent(NoOptions()))
    async with world(tmp_path, sources=(twin,)) as here:
        answers = iter([httpx.Response(500), httpx.Response(500), httpx.Response(200, json={"task_id": "order-1"})])
        here.answer = lambda request: next(answers)
        await here.webhook(PICKED)
        for made in (1, 2):
            await here.until(sent(here, made, "unsure"))
            here.clock.pass_by(60)
            await here.webhook(PICKED)
        await settle(here, "queued")
        events = [json.loads(body)["type"] for body in await here.store.read(lambda tx: tx.events(Filters()))]
        assert events.count("job.unsure") == 1
        assert len(here.calls) == 3


async def test_a_webhook_on_its_ref_settles_an_unsure_order(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = lambda request: httpx.Response(500)
        await here.webhook(PICKED)
        job = await settle(here, "unsure")
        (body,) = here.orders
        ref = body["webhook_url"].rsplit("/", 1)[1]
        await here.webhook(
            {"task_id": "late", "task_type": "upscale-2x", "status": "finished", "image_url": "https://c/hd"}, token=ref
        )
        done = await settle(here, "completed")
        assert (done.id, done.provider_job_id) == (job.id, "late")
        assert done.submitted_at is not None


async def test_a_webhook_may_come_before_the_answer_to_the_order(tmp_path: Path) -> None:
    async with world(tmp_path) as here:

        async def early(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content)
            ref = body["webhook_url"].rsplit("/", 1)[1]
            await here.webhook(
                {"task_id": "fast", "task_type": "upscale-2x", "status": "finished", "image_url": "https://c/hd"},
                token=ref,
            )
            return httpx.Response(200, json={"task_id": "fast"})

        here.answer = early
        await here.webhook(PICKED)
        done = await settle(here, "completed")
        await here.until(lambda jobs: hd(jobs).provider_job_id == "fast")
        assert len(await here.jobs()) == 2
        assert done.images[0].url == "https://c/hd"


async def test_a_webhook_without_a_ref_may_come_before_the_answer_and_is_the_same_job(tmp_path: Path) -> None:
    chain = "order-1"
    async with world(tmp_path) as here:

        async def early(request: httpx.Request) -> httpx.Response:
            await here.webhook(
                {"task_id": chain, "task_type": "upscale-2x", "status": "finished", "image_url": "https://c/hd"}
            )
            return httpx.Response(200, json={"task_id": chain})

        here.answer = early
        await here.webhook(PICKED)
        jobs = await here.until(lambda jobs: any(job.rule == "auto-hd" and job.status == "completed" for job in jobs))
        (ours,) = [job for job in jobs if job.rule == "auto-hd"]
        assert ours.provider_job_id == chain
        assert [job.provider_job_id for job in jobs if job.rule is None] == [PICKED["task_id"], None]


async def test_an_order_found_submitting_after_a_crash_is_unsure(tmp_path: Path, on_sqlite: None) -> None:
    async with world(tmp_path) as here:
        asked, here.answer = hanging()
        await here.webhook(PICKED)
        await asked.wait()
        # Another process finds the file as a kill would leave it; on PostgreSQL it would see that this one lives.
        async with a_store(here.folder / "gridhook.db", here.clock) as other:
            await other.write(lambda tx: recover(tx, here.setup, here.clock()))
        assert hd(await here.jobs()).status == "unsure"
        await here.stop(grace=0)
        assert hd(await here.jobs()).status == "unsure"
        (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters()))
        attempts = await here.store.read(lambda tx: tx.attempts(delivery.number))
        assert [(one.number, one.outcome) for one in attempts] == [(1, "unsure")]
        assert delivery.state == "done"


async def test_a_shutdown_during_the_call_leaves_it_unsure(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        asked, here.answer = hanging()
        await here.webhook(PICKED)
        await asked.wait()
        await here.stop(grace=0)
        assert hd(await here.jobs()).status == "unsure"


async def test_a_shutdown_before_the_call_gives_the_order_back_uncounted(tmp_path: Path) -> None:
    source = a_source()

    class Looking(JourneyAPI):
        def prepare(self, order: Order, source: Source) -> Call | None:
            return Call(method="GET", url="https://api.journeyapi.test/look")

    twin = msgspec.structs.replace(source, provider=Looking(NoOptions()))
    async with world(tmp_path, sources=(twin,)) as here:
        asked, here.answer = hanging()
        await here.webhook(PICKED)
        await asked.wait()
        await here.stop(grace=0)
        assert hd(await here.jobs()).status == "planned"
        (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters()))
        assert (delivery.state, delivery.attempt - delivery.base) == ("pending", 0)


WRONG: tuple[Any, ...] = (None, 5, KeyError("x"), SystemExit(1), asyncio.CancelledError(), KeyboardInterrupt())


def odd(method: str, does: Any) -> Source:
    """A source whose provider returns or raises this in one method."""

    def answer(*_: object) -> Any:
        if isinstance(does, BaseException):
            raise does
        return does

    provider = JourneyAPI(NoOptions())
    setattr(provider, method, answer)
    return a_source(provider=provider)


@pytest.mark.parametrize("does", [*WRONG, Call(method="POST", url="https://x.test", body="text")], ids=repr)  # type: ignore[arg-type]
async def test_an_order_that_cannot_be_built_is_never_sent_and_tried_again_on_its_schedule(
    tmp_path: Path, does: Any
) -> None:
    async with world(tmp_path, sources=(odd("order", does),)) as here:
        await here.webhook(PICKED)
        delivery = await until_pending(here, 1)
        assert hd(await here.jobs()).status == "planned"
        assert delivery.due_at > here.clock()
        assert here.calls == []


@pytest.mark.parametrize("does", WRONG, ids=repr)
async def test_an_answer_that_cannot_be_read_leaves_the_order_unsure_and_sent_once(tmp_path: Path, does: Any) -> None:
    async with world(tmp_path, sources=(odd("answered", does),)) as here:
        await here.webhook(PICKED)
        assert (await settle(here, "unsure")).provider_job_id is None
        assert len(here.calls) == 1


async def until_pending(world: World, attempts: int) -> Delivery:
    """The order's delivery once so many tries of it are over."""
    watch = world.store.watch()
    while True:
        (delivery,) = [one for one in await world.store.read(lambda tx: tx.deliveries(Filters())) if one.is_order]
        if (delivery.state, delivery.attempt) == ("pending", attempts):
            watch.close()
            return delivery
        assert await watch.wait(10)


async def test_an_order_whose_job_no_longer_waits_is_withdrawn(tmp_path: Path) -> None:
    async with world(tmp_path, dispatch=False) as here:
        await here.webhook(PICKED)
        job = hd(await here.jobs())
        number = (await here.store.read(lambda tx: tx.jobs(Filters(action="upscale"))))[0].number
        ref = ref_of(here.store.ref_key, "journey", number)
        await here.webhook(
            {"task_id": "t", "task_type": "upscale-2x", "status": "finished", "image_url": "https://c/hd"}, token=ref
        )
        here.start()
        (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters()))
        watch = here.store.watch()
        while delivery.state != "done":
            assert await watch.wait(10)
            (delivery,) = await here.store.read(lambda tx: tx.deliveries(Filters()))
        watch.close()
        assert here.calls == []
        assert job.id == hd(await here.jobs()).id


async def test_an_order_that_never_gets_through_fails_in_the_end(tmp_path: Path) -> None:
    async with world(tmp_path) as here:

        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused")

        here.answer = refuse
        await here.webhook(PICKED)
        for tries in range(1, 15):
            await here.until(sent(here, tries, "planned", "failed"))
            here.clock.pass_by(20_000)
            await here.webhook(PICKED)
        job = await settle(here, "failed")
        assert job.error is not None
        assert (job.error.code, job.error.retryable) == ("provider_error", True)
        (delivery,) = [one for one in await here.store.read(lambda tx: tx.deliveries(Filters())) if one.is_order]
        assert delivery.state == "dead"


async def test_a_key_that_the_vendor_tells_in_its_refusal_goes_no_further(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.answer = lambda _: httpx.Response(400, json={"errors": [{"msg": "Incorrect key japi_live_1, see /keys"}]})
        await here.webhook(PICKED)
        job = await settle(here, "failed")
        assert job.error is not None
        assert job.error.message == "Incorrect key ***, see /keys"
        events = await here.store.read(lambda tx: tx.events(Filters()))
        assert not any(b"japi_live_1" in body for body in events)


async def test_a_key_that_the_vendor_tells_in_a_webhook_goes_no_further(tmp_path: Path) -> None:
    told = {"task_id": "t-9", "task_type": "imagine", "status": "failed", "error": {"message": "japi_live_1 is no key"}}
    async with world(tmp_path) as here:
        await here.webhook(told)
        await here.until(lambda jobs: any(job.status == "failed" for job in jobs))
        events = await here.store.read(lambda tx: tx.events(Filters()))
        assert any(b"*** is no key" in body for body in events)
        assert not any(b"japi_live_1" in body for body in events)
