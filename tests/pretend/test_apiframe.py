from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import httpx
import pytest

from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.receivers.post_collector import PostCollector
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build

KEY = "afk_test"
NOBODY = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
DAY_MS = 86_400_000


class Buyer(NamedTuple):
    vendor: PretendVendor
    client: httpx.AsyncClient
    inbox: PostCollector
    hook: str
    now: list[int]

    async def imagine(self, key: str | None = None, **more: object) -> httpx.Response:
        body = {"model": "midjourney", "prompt": "a cat", **more}
        headers = {"idempotency-key": key} if key is not None else {}
        return await self.client.post("/v2/images/generate", json=body, headers=headers)

    async def act(self, action: str, parent: str, **more: object) -> httpx.Response:
        body = {"action": action, "parentJobId": parent, **more}
        return await self.client.post("/v2/images/midjourney/action", json=body)

    async def done(self, answer: httpx.Response) -> str:
        assert answer.status_code == 202, answer.text
        await self.vendor.settled()
        return str(answer.json()["jobId"])

    async def job(self, name: str) -> Any:
        return (await self.client.get(f"/v2/jobs/{name}")).json()


@asynccontextmanager
async def buyer(**switches: Any) -> AsyncIterator[Buyer]:
    now = [1_800_000_000_000]
    inbox = PostCollector()
    vendor = build("apiframe", VendorOptions(**{"pace": 0.02, **switches}), lambda: now[0])
    async with (
        serve(inbox.app) as hook,
        serve(vendor.app, grace=0.05) as url,
        httpx.AsyncClient(base_url=url, headers={"x-api-key": KEY}) as client,
    ):
        yield Buyer(vendor, client, inbox, hook, now)


async def test_a_generation_ends_as_the_documented_job() -> None:
    async with buyer() as me:
        answer = await me.imagine()
        assert answer.json() == {"jobId": me.vendor.jobs[0].id, "status": "QUEUED"}
        told = await me.job(await me.done(answer))
    assert told.keys() == {
        "id",
        "status",
        "model",
        "progress",
        "result",
        "error",
        "creditCost",
        "webhookStatus",
        "createdAt",
        "completedAt",
    }
    assert (told["status"], told["progress"], told["creditCost"]) == ("COMPLETED", 100, 16)
    assert (len(told["result"]["images"]), "gridUrl" in told["result"]) == (4, True)


async def test_an_upsample_has_one_image_and_no_grid() -> None:
    async with buyer() as me:
        grid = await me.done(await me.imagine())
        pick = await me.done(await me.act("upsample", grid, index=2))
        assert list((await me.job(pick))["result"]) == ["images"]
        assert [(bill.endpoint, bill.amount) for bill in me.vendor.bills] == [
            ("generate", Decimal(16)),
            ("upsample", Decimal(4)),
        ]


async def test_a_repeated_key_gives_the_same_job_and_one_bill() -> None:
    async with buyer(pace=0.0) as me:
        first = await me.done(await me.imagine("k1"))
        again = await me.imagine("k1")
        assert again.json() == {"jobId": first, "status": "COMPLETED"}
        assert (await me.imagine("k2")).json()["jobId"] != first
        assert [bill.idempotency_key for bill in me.vendor.bills] == ["k1", "k2"]


async def test_a_key_with_another_body_is_a_conflict() -> None:
    async with buyer() as me:
        await me.imagine("k1")
        assert (await me.imagine("k1", prompt="a dog")).status_code == 409
        assert len(me.vendor.bills) == 1


async def test_a_key_is_forgotten_after_a_day() -> None:
    async with buyer() as me:
        await me.imagine("k1")
        me.now[0] += DAY_MS
        await me.imagine("k1")
        assert len(me.vendor.bills) == 2


async def test_a_key_saves_an_order_whose_answer_broke() -> None:
    async with buyer(order_failures=("500-taken", "reset-taken")) as me:
        assert (await me.imagine("k1")).status_code == 500
        with pytest.raises(httpx.TransportError):
            await me.imagine("k1")
        assert (await me.imagine("k1")).status_code == 202
        assert len(me.vendor.bills) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"model": "other"}, "model"),
        ({"webhookUrl": "http://example.com/hook"}, "webhookUrl"),
        ({"webhookUrl": "https://[bad"}, "webhookUrl"),
        ({"webhookEvents": []}, "webhookEvents"),
        ({"webhookEvents": ["finished"]}, "webhookEvents"),
    ],
)
async def test_a_wrong_generation_names_the_field(body: dict[str, Any], field: str) -> None:
    async with buyer() as me:
        answer = await me.imagine(**body)
        assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
        assert "x-request-id" in answer.headers
        assert not me.vendor.bills


async def test_an_unknown_field_on_an_action_is_refused() -> None:
    async with buyer() as me:
        grid = await me.done(await me.imagine())
        assert (await me.act("upsample", grid, index=1, metadata={})).status_code == 400
        for index in (0, 5, "2", True, None):
            assert (await me.act("upsample", grid, index=index)).status_code == 400


async def test_follow_ups_need_the_right_parent() -> None:
    async with buyer() as me:
        grid = await me.done(await me.imagine())
        pick = await me.done(await me.act("upsample", grid, index=1))
        pan = await me.done(await me.act("pan", pick, direction="up"))
        await me.done(await me.act("outpaint", pick, zoomRatio=1.5))
        await me.done(await me.act("inpaint", pick, mask="AAAA"))
        await me.done(await me.act("upsample", pan, index=4))
        assert (await me.act("upsample", pick, index=1)).status_code == 400
        assert (await me.act("variation", pick, index=1)).status_code == 400
        assert (await me.act("pan", grid, direction="up")).status_code == 400
        assert (await me.act("upsample", NOBODY, index=1)).status_code == 404


async def test_an_unfinished_parent_is_refused() -> None:
    async with buyer(pace=600) as me:
        grid = (await me.imagine()).json()["jobId"]
        assert (await me.act("upsample", grid, index=1)).status_code == 400


@pytest.mark.parametrize(
    ("switch", "prefix", "hexed"), [("raw", "sha256=", False), ("hex", "sha256=", True), ("bare", "", False)]
)
async def test_webhooks_are_signed_as_switched(switch: Literal["raw", "hex", "bare"], prefix: str, hexed: bool) -> None:
    digest = hashlib.sha256(KEY.encode())
    secret = digest.hexdigest().encode() if hexed else digest.digest()
    async with buyer(signature=switch) as me:
        name = await me.done(await me.imagine(webhookUrl=f"{me.hook}/in"))
        (post,) = me.inbox.posts
        assert (await me.job(name))["webhookStatus"] == "delivered"
    assert post.headers["x-webhook-signature"] == prefix + hmac.new(secret, post.raw, hashlib.sha256).hexdigest()
    assert post.headers["x-webhook-event"] == post.body["event"] == "completed"


async def test_webhooks_can_be_unsigned() -> None:
    async with buyer(signature="none") as me:
        await me.done(await me.imagine(webhookUrl=f"{me.hook}/in"))
    assert "x-webhook-signature" not in me.inbox.posts[0].headers


async def test_progress_comes_only_to_those_who_asked() -> None:
    async with buyer(progress_steps=1) as me:
        events = ["progress", "completed"]
        await me.done(await me.imagine(webhookUrl=f"{me.hook}/in", webhookEvents=events))
        progress, completed = (post.body for post in me.inbox.posts)
    assert progress.keys() == {"event", "jobId", "status", "progress", "model"}
    assert (progress["status"], progress["progress"]) == ("PROCESSING", 50)
    assert completed["creditCost"] == 16


@pytest.mark.parametrize(("shape", "kind"), [("object", dict), ("string", str), ("array", list)])
async def test_the_result_comes_in_every_shape_that_was_seen(shape: str, kind: type) -> None:
    async with buyer(result=shape) as me:
        await me.done(await me.imagine(webhookUrl=f"{me.hook}/in"))
    assert isinstance(me.inbox.posts[0].body["result"], kind)


async def test_a_failure_is_told_and_costs_nothing() -> None:
    async with buyer(fail="content policy violation") as me:
        told = await me.job(await me.done(await me.imagine(webhookUrl=f"{me.hook}/in")))
        assert (told["status"], told["creditCost"], told["error"]) == ("FAILED", 0, "content policy violation")
        assert me.inbox.posts[0].body["event"] == "failed"


async def test_results_expire_after_a_day() -> None:
    async with buyer() as me:
        name = await me.done(await me.imagine())
        me.now[0] += DAY_MS
        assert (await me.job(name))["expired"] is True


async def test_refusals_carry_what_is_documented() -> None:
    async with buyer(order_failures=("402", "429", "409")) as me:
        assert (await me.imagine()).json() == {
            "error": "Insufficient credits",
            "creditsRequired": 16,
            "creditsAvailable": 0,
        }
        assert (await me.imagine()).headers["retry-after"] == "1"
        assert (await me.imagine()).status_code == 409
        assert (await me.client.get(f"/v2/jobs/{NOBODY}")).status_code == 404
