from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.receivers.post_collector import PostCollector
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build


class Buyer(NamedTuple):
    vendor: PretendVendor
    client: httpx.AsyncClient
    inbox: PostCollector
    hook: str

    async def post(self, name: str, **body: object) -> httpx.Response:
        return await self.client.post(f"/v1/midjourney/generations/{name}", json=body)

    async def done(self, name: str, **body: object) -> str:
        answer = await self.post(name, **body)
        assert answer.status_code == 200, answer.text
        await self.vendor.settled()
        return str(answer.json()["data"][0]["task_id"])

    async def view(self, name: str) -> Any:
        return (await self.client.get(f"/v1/midjourney/{name}")).json()

    async def wrong(self, name: str, **body: object) -> str:
        answer = await self.post(name, **body)
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
        return str(answer.json()["error"]["message"])

    async def hash(self, grid: str) -> str:
        return str((await self.view(grid))["buttons"][0]["customId"].split("::")[4])


@asynccontextmanager
async def buyer(statuses: tuple[int, ...] = (), **switches: Any) -> AsyncIterator[Buyer]:
    inbox = PostCollector(statuses)
    vendor = build("apimart", VendorOptions(**{"pace": 0.02, "retry": (0.01, 0.01, 0.01), **switches}))
    async with (
        serve(inbox.app) as hook,
        serve(vendor.app, grace=0.05) as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": "Bearer x"}) as client,
    ):
        yield Buyer(vendor, client, inbox, hook)


async def test_an_order_answers_with_its_task() -> None:
    async with buyer() as me:
        answer = (await me.client.post("/v1/midjourney/generations", json={"prompt": "a cat"})).json()
    assert answer == {"code": 200, "data": [{"status": "submitted", "task_id": me.vendor.jobs[0].id}]}


async def test_a_repeat_makes_several_tasks_and_bills() -> None:
    async with buyer() as me:
        answer = (await me.post("imagine", prompt="a cat", repeat=3)).json()
    assert len({entry["task_id"] for entry in answer["data"]}) == len(me.vendor.bills) == 3


async def test_the_unified_view_has_pictures_in_lists_and_no_buttons() -> None:
    async with buyer() as me:
        name = await me.done("imagine", prompt="a cat")
        task = (await me.client.get(f"/v1/tasks/{name}")).json()
    assert task["code"] == 200
    assert task["data"].keys() == {
        "id",
        "status",
        "cost",
        "credits_cost",
        "progress",
        "result",
        "created",
        "completed",
        "estimated_time",
        "actual_time",
    }
    assert [len(image["url"]) for image in task["data"]["result"]["images"]] == [1] * 4


async def test_the_midjourney_view_has_buttons() -> None:
    async with buyer() as me:
        name = await me.done("imagine", prompt="a cat")
        view = await me.view(name)
    assert (view["status"], view["action"], view["progress"], view["prompt"]) == ("SUCCESS", "IMAGINE", "100%", "a cat")
    labels = {button["label"]: button["customId"] for button in view["buttons"]}
    assert {"U1", "U2", "U3", "U4", "V1", "V2", "V3", "V4"} <= labels.keys()
    assert labels["U3"].startswith("MJ::JOB::upsample::3::")


async def test_an_upscale_by_index_is_done_at_once() -> None:
    async with buyer(pace=0.02) as me:
        grid = await me.done("imagine", prompt="a cat")
        me.vendor.options = VendorOptions(pace=600)
        answer = await me.post("upscale", task_id=grid, index=2)
        view = await me.view(answer.json()["data"][0]["task_id"])
        tile = (await me.view(grid))["image_urls"][1]
        assert (view["status"], len(view["image_urls"]), "grid_image_url" in view) == ("SUCCESS", 1, False)
        assert (await me.client.get(view["image_urls"][0])).content == (await me.client.get(tile)).content


async def test_an_hd_upscale_takes_its_time_and_the_grids_own_hash() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat", version="7")
        command = f"MJ::JOB::upsample_v7_2x_subtle::2::{await me.hash(grid)}"
        name = await me.done("upscale", task_id=grid, custom_id=command, index=9)
        picture = await me.client.get((await me.view(name))["image_urls"][0])
        assert picture.content[16:24] == (512).to_bytes(4) * 2
        me.vendor.options = VendorOptions(pace=600)
        answer = await me.post("upscale", task_id=grid, custom_id=command)
        assert (await me.view(answer.json()["data"][0]["task_id"]))["status"] == "SUBMITTED"


async def test_a_foreign_or_unfit_custom_id_is_refused() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat --v 7")
        name = await me.hash(grid)
        for custom_id in (
            f"MJ::JOB::upsample_v7_2x_subtle::2::{'0' * 12}",
            f"MJ::JOB::upsample_v7_2x_subtle::5::{name}",
            f"MJ::JOB::upsample_v6_2x_subtle::2::{name}",
            f"MJ::JOB::upsample_v9_8x::2::{name}",
            "nonsense",
            7,
        ):
            await me.wrong("upscale", task_id=grid, custom_id=custom_id)
        assert len(me.vendor.bills) == 1


async def test_version_8_has_no_upscale_buttons() -> None:
    async with buyer() as me:
        view = await me.view(await me.done("imagine", prompt="a cat", version="8.1"))
    assert not [button for button in view["buttons"] if button["label"].startswith("U")]


async def test_follow_ups_need_the_right_parent() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat")
        single = await me.done("upscale", task_id=grid, index=1)
        await me.done("zoom", task_id=single)
        await me.done("pan", task_id=single, direction="up")
        await me.done("variation", task_id=grid, index=1)
        await me.done("high-variation", task_id=single)
        await me.done("reroll", task_id=grid)
        for name in ("zoom", "inpaint"):
            assert (await me.wrong(name, task_id=grid)).startswith("This action requires an upscaled task")
        assert await me.wrong("reroll") == "task_id is required for reroll"
        await me.wrong("upscale", task_id=grid, index=5)
        await me.wrong("upscale", task_id=single, index=1)
        missing = await me.post("upscale", task_id="task_0", index=1)
        assert (missing.status_code, missing.json()["error"]["message"]) == (404, "task task_0 not found")


async def test_an_unfinished_parent_is_refused() -> None:
    async with buyer(pace=600) as me:
        grid = (await me.post("imagine", prompt="a cat")).json()["data"][0]["task_id"]
        assert "is not in SUCCESS state" in await me.wrong("upscale", task_id=grid, index=1)


async def test_an_inpaint_waits_for_its_modal() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat")
        single = await me.done("upscale", task_id=grid, index=1)
        answer = (await me.post("inpaint", task_id=single)).json()["data"][0]
        assert answer["status"] == "modal"
        await me.vendor.settled()
        assert (await me.view(answer["task_id"]))["status"] == "MODAL"
        await me.done("modal", task_id=answer["task_id"], prompt="a hat")
        assert (await me.view(answer["task_id"]))["status"] == "SUCCESS"
        assert "MODAL" in await me.wrong("modal", task_id=answer["task_id"])


@pytest.mark.parametrize("wrapped", [True, False])
async def test_the_webhook_is_the_status_answer_at_callback(wrapped: bool) -> None:
    async with buyer(wrapped=wrapped) as me:
        name = await me.done("imagine", prompt="a cat", webhook=f"{me.hook}/in/mart/")
        (post,) = me.inbox.posts
        answer = (await me.client.get(f"/v1/tasks/{name}")).json()
    assert post.path == "/in/mart/callback"
    assert post.body == (answer if wrapped else answer["data"])


async def test_a_failure_is_told_in_both_views() -> None:
    async with buyer(fail="banned") as me:
        name = await me.done("imagine", prompt="a cat", webhook=me.hook)
        assert me.inbox.posts[0].body["data"]["error"] == {
            "message": "banned",
            "type": "task_failed",
            "param": "",
            "code": "task_failed",
        }
        view = await me.view(name)
    assert (view["status"], view["fail_reason"]) == ("FAILURE", "banned")


@pytest.mark.parametrize(
    ("answers", "tries"), [((500, 503, 500, 500), 4), ((404,), 1), ((500, 401), 2), ((500, 200), 2)]
)
async def test_a_5xx_is_tried_three_times_again_and_a_4xx_never(answers: tuple[int, ...], tries: int) -> None:
    async with buyer(answers) as me:
        await me.done("imagine", prompt="a cat", webhook=me.hook)
        assert [post.status for post in me.vendor.posts] == list(answers)
        assert len(me.vendor.posts) == tries


async def test_a_forgery_goes_to_a_wrong_path() -> None:
    async with buyer(forge=True) as me:
        await me.done("imagine", prompt="a cat", webhook=f"{me.hook}/in/mart/ref")
    assert [post.path for post in me.inbox.posts] == ["/in/mart/refx/callback", "/in/mart/ref/callback"]


async def test_refusals_carry_their_type() -> None:
    async with buyer(order_failures=("402", "429")) as me:
        assert (await me.post("imagine", prompt="a cat")).json()["error"]["type"] == "payment_required"
        assert (await me.post("imagine", prompt="a cat")).json()["error"]["type"] == "rate_limit_error"
