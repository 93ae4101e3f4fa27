from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
import msgspec
import pytest

from receiver.pretend.book import Shelf
from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.receivers.post_collector import PostCollector
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import FACES, build

QUICK = VendorOptions(pace=0.02, retry=(0.01, 0.01))


class Stage(NamedTuple):
    vendor: PretendVendor
    inbox: PostCollector
    client: httpx.AsyncClient
    hook: str

    async def imagine(self, **more: object) -> httpx.Response:
        body = {"prompt": "a cat", "webhook_url": f"{self.hook}/in/journey", "webhook_secret": "s3", **more}
        return await self.client.post("/api/v1/imagine", json=body)


@asynccontextmanager
async def stage(options: VendorOptions = QUICK, statuses: tuple[int, ...] = ()) -> AsyncIterator[Stage]:
    vendor, inbox = build("journeyapi", options), PostCollector(statuses)
    async with (
        serve(inbox.app) as hook,
        serve(vendor.app, grace=0.05) as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": "japi_live_x"}, timeout=10) as client,
    ):
        yield Stage(vendor, inbox, client, hook)


def changed(**switches: object) -> VendorOptions:
    return msgspec.structs.replace(QUICK, **switches)


async def test_progress_comes_before_the_result() -> None:
    async with stage() as on:
        await on.imagine()
        await on.vendor.settled()
        told = [post.body for post in on.inbox.posts]
    assert [body["status"] for body in told] == ["processing"] * 3 + ["finished"]
    assert [body["percentage"] for body in told] == ["25", "50", "75", "100"]


async def test_duplicates_are_posted_for_every_webhook() -> None:
    async with stage(changed(duplicates=3, progress_steps=1)) as on:
        await on.imagine()
        await on.vendor.settled()
        assert Counter(post.kind for post in on.vendor.posts) == {"progress": 3, "completed": 3}
        assert len(on.inbox.posts) == 6
        assert len(on.vendor.bills) == 1


async def test_reordered_webhooks_end_with_the_first_progress() -> None:
    async with stage(changed(reorder=True)) as on:
        await on.imagine()
        await on.vendor.settled()
        told = [post.body for post in on.inbox.posts]
    assert [body["percentage"] for body in told] == ["100", "75", "50", "25"]


async def test_a_late_webhook_comes_after_the_result_can_be_asked_for() -> None:
    async with stage(changed(late=600, progress_steps=0)) as on:
        name = (await on.imagine()).json()["task_id"]
        await on.vendor.until(lambda: on.vendor.jobs[0].done)
        assert (await on.client.post("/api/v1/fetch", json={"task_id": name})).json()["status"] == "finished"
        assert not on.vendor.posts
        on.vendor.options = changed(late=0.01, progress_steps=0)
        await on.imagine()
        await on.vendor.until(lambda: len(on.vendor.posts) == 1)
        assert on.vendor.posts[0].job_id != name


async def test_lost_webhooks_never_come_but_asking_works() -> None:
    async with stage(changed(lose=True)) as on:
        name = (await on.imagine()).json()["task_id"]
        await on.vendor.settled()
        assert not on.inbox.posts
        assert (await on.client.post("/api/v1/fetch", json={"task_id": name})).json()["status"] == "finished"


async def test_single_kinds_can_be_lost() -> None:
    async with stage(changed(lose=frozenset({"completed"}))) as on:
        await on.imagine()
        await on.vendor.settled()
        assert {post.kind for post in on.vendor.posts} == {"progress"}


async def test_a_forgery_comes_first_with_a_wrong_secret_and_a_lie() -> None:
    async with stage(changed(forge=True, progress_steps=0), (401,)) as on:
        await on.imagine()
        await on.vendor.settled()
        forged, genuine = on.inbox.posts
        assert [post.forged for post in on.vendor.posts] == [True, False]
    assert forged.headers["x-webhook-secret"] != "s3"
    assert forged.body["status"] == "failed"
    assert genuine.headers["x-webhook-secret"] == "s3"
    assert genuine.body["status"] == "finished"


async def test_the_webhook_can_come_before_the_answer() -> None:
    async with stage(changed(webhook_before_answer=True, pace=60)) as on:
        name = (await on.imagine()).json()["task_id"]
        assert [post.body["task_id"] for post in on.inbox.posts] == [name]


async def test_a_delayed_answer_is_to_an_order_already_taken() -> None:
    async with stage(changed(order_delay=30.0)) as on:
        asking = asyncio.create_task(on.imagine())
        await on.vendor.until(lambda: bool(on.vendor.bills))
        await on.vendor.settled()
        assert not asking.done()
        asking.cancel()


async def test_a_failing_job_says_why() -> None:
    async with stage(changed(fail="Content policy violation", progress_steps=0)) as on:
        await on.imagine()
        await on.vendor.settled()
        (post,) = on.inbox.posts
    assert post.body["status"] == "failed"
    assert post.body["error"] == "Content policy violation"


@pytest.mark.parametrize(("name", "status"), [("refuse", 400), ("402", 402), ("429", 429), ("500", 500), ("503", 503)])
async def test_a_refused_order_is_not_billed_and_the_next_is_taken(name: str, status: int) -> None:
    async with stage(changed(order_failures=(name,))) as on:
        assert (await on.imagine()).status_code == status
        assert not on.vendor.bills
        assert (await on.imagine()).status_code == 200
        assert len(on.vendor.bills) == 1


@pytest.mark.parametrize("suffix", ["", "-taken"])
@pytest.mark.parametrize(
    ("name", "error"), [("reset", httpx.ReadError), ("hang", httpx.ReadTimeout), ("garbage", None), ("500", None)]
)
async def test_a_broken_answer_bills_only_an_order_that_was_taken(
    name: str, error: type[Exception] | None, suffix: str
) -> None:
    async with stage(changed(order_failures=(name + suffix,))) as on:
        if name == "hang":
            on.client.timeout = httpx.Timeout(0.3)
        if error is not None:
            with pytest.raises(error):
                await on.imagine()
        else:
            answer = await on.imagine()
            assert answer.status_code == (500 if name == "500" else 200)
            assert "task_id" not in answer.text
        await on.vendor.settled()
        assert len(on.vendor.bills) == len(on.vendor.jobs) == (1 if suffix else 0)
        assert bool(on.inbox.posts) is bool(suffix)


async def test_a_fault_is_spent_on_an_order_that_would_have_been_taken() -> None:
    async with stage() as on:
        on.vendor.fail_next("402")
        assert (await on.client.post("/api/v1/imagine", json={})).status_code == 400
        assert (await on.imagine()).status_code == 402


def test_an_unknown_fault_or_vendor_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="explode"):
        build("journeyapi", VendorOptions(order_failures=("explode",)))
    with pytest.raises(ValueError, match="402-taken"):
        build("journeyapi").fail_next("402-taken")
    with pytest.raises(ValueError, match="nobody"):
        build("nobody")


async def test_a_webhook_is_tried_again_until_it_arrives() -> None:
    async with stage(changed(progress_steps=0), (503, 400)) as on:
        await on.imagine()
        await on.vendor.settled()
        assert [(post.attempt, post.status) for post in on.vendor.posts] == [(1, 503), (2, 400), (3, 200)]


async def test_a_webhook_to_nowhere_is_given_up() -> None:
    async with stage(changed(progress_steps=0)) as on:
        await on.imagine(webhook_url="http://127.0.0.1:1/in")
        await on.imagine(webhook_url="nonsense")
        await on.vendor.settled()
        assert [post.status for post in on.vendor.posts] == [None] * 6
        assert {job.webhook for job in on.vendor.jobs} == {"failed"}


async def test_switches_can_be_changed_while_it_runs() -> None:
    async with stage() as on:
        on.vendor.options = changed(lose=True)
        await on.imagine()
        await on.vendor.settled()
        assert not on.inbox.posts


async def test_pictures_are_served_where_the_order_went() -> None:
    async with stage(changed(progress_steps=0)) as on:
        await on.imagine()
        await on.vendor.settled()
        body = on.inbox.posts[0].body
        for url in (body["original_image_url"], *body["image_urls"]):
            assert url.startswith(str(on.client.base_url).rstrip("/"))
            answer = await on.client.get(url)
            assert answer.headers["content-type"] == "image/png"
            assert answer.content.startswith(b"\x89PNG")
        for part in ("0", "5", "x", "²", "99999999999999999999"):
            assert (await on.client.get(f"/pictures/{body['task_id']}/{part}.png")).status_code == 404
        assert (await on.client.get("/pictures/nobody/1.png")).status_code == 404


@pytest.mark.parametrize("name", FACES)
async def test_only_the_right_key_is_let_in(name: str) -> None:
    vendor = build(name, VendorOptions(api_key="right"))
    path = {
        "journeyapi": "/api/v1/imagine",
        "apiframe": "/v2/images/generate",
        "apimart": "/v1/midjourney/generations",
        "vtrix": "/model/v1/generation",
        "midjourney-proxy": "/mj/submit/imagine",
    }[name]
    async with serve(vendor.app) as url, httpx.AsyncClient(base_url=url) as client:
        for key in ("", "wrong"):
            for scheme in ("", "Bearer "):
                headers = {"authorization": (scheme + key).strip(), "x-api-key": key, "mj-api-secret": key}
                assert (await client.post(path, json={}, headers=headers)).status_code == 401
        scheme = "" if name == "journeyapi" else "Bearer "
        right = {"authorization": f"{scheme}right", "x-api-key": "right", "mj-api-secret": "right"}
        for raw in (b"", b"[]", b"\xff", b"[" * 100_000, b'{"model": NaN}', b"{}"):
            answer = await client.post(path, content=raw, headers=right)
            in_its_body = name == "midjourney-proxy" and raw == b"{}"
            assert answer.status_code == (200 if in_its_body else 400)
            assert not in_its_body or answer.json()["code"] == 4
    assert not vendor.bills


async def test_closing_drops_what_is_unfinished() -> None:
    async with stage(changed(pace=600)) as on:
        await on.imagine()
        assert not on.vendor.jobs[0].ended
    await on.vendor.settled()


def test_a_shelf_drops_the_oldest() -> None:
    shelf: Shelf[int] = Shelf(2)
    for number in range(3):
        shelf.put(str(number), number)
    assert (list(shelf), shelf.get("0")) == ([1, 2], None)
