from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest

from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build

NOBODY = "550e8400-e29b-41d4-a716-446655440000"


class Buyer:
    def __init__(self, vendor: PretendVendor, client: httpx.AsyncClient) -> None:
        self.vendor = vendor
        self.client = client

    async def post(self, name: str, **body: object) -> httpx.Response:
        return await self.client.post(f"/api/v1/{name}", json=body)

    async def done(self, name: str, **body: object) -> str:
        answer = await self.post(name, **body)
        assert answer.status_code == 200, answer.text
        await self.vendor.settled()
        return str(answer.json()["task_id"])

    async def fetch(self, task_id: str) -> Any:
        return (await self.post("fetch", task_id=task_id)).json()

    async def wrong(self, name: str, **body: object) -> str:
        answer = await self.post(name, **body)
        assert answer.status_code == 400
        return str(answer.json()["errors"][0]["msg"])


@asynccontextmanager
async def buyer(pace: float = 0.02) -> AsyncIterator[Buyer]:
    vendor = build("journeyapi", VendorOptions(pace=pace, retry=()))
    async with (
        serve(vendor.app, grace=0.05) as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": "japi_live_x"}) as client,
    ):
        yield Buyer(vendor, client)


async def test_imagine_gives_a_grid_and_four_tiles() -> None:
    async with buyer() as me:
        name = await me.done("imagine", prompt="a cat", aspect_ratio="16:9")
        told = await me.fetch(name)
    assert told.keys() == {
        "task_id",
        "task_type",
        "model",
        "status",
        "percentage",
        "original_image_url",
        "image_urls",
    }
    assert (told["task_type"], told["model"], told["status"]) == ("imagine", "midjourney", "finished")
    assert (told["percentage"], len(told["image_urls"])) == ("100", 4)


async def test_an_unfinished_task_shows_its_percentage_as_text() -> None:
    async with buyer(pace=600) as me:
        name = (await me.post("imagine", prompt="a cat")).json()["task_id"]
        assert await me.fetch(name) == {
            "task_id": name,
            "task_type": "imagine",
            "model": "midjourney",
            "status": "pending",
            "percentage": "0",
        }
        assert await me.wrong("upscale-1x", parent_task_id=name, index="2") == "parent task is not finished"


async def test_a_pick_shows_the_tile_and_has_no_image_urls() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat")
        pick = await me.done("upscale-1x", parent_task_id=grid, index="2")
        told = await me.fetch(pick)
        assert told.keys() == {"task_id", "task_type", "model", "status", "image_url"}
        assert told["task_type"] == "upscale#1"
        tile = (await me.fetch(grid))["image_urls"][1]
        assert (await me.client.get(told["image_url"])).content == (await me.client.get(tile)).content


async def test_upscaling_is_billed_as_documented() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat")
        pick = await me.done("upscale-1x", parent_task_id=grid, index="1", webhook_url="http://127.0.0.1:1/")
        large = await me.done("upscale-2x-4x", parent_task_id=pick, type="2x")
        alt = await me.done("upscale-alt", parent_task_id=pick, type="creative")
        assert (await me.fetch(large))["task_type"] == "upscale-2x"
        assert (await me.fetch(alt))["task_type"] == "upscale-creative"
        bills = [(bill.order_id, bill.endpoint, bill.amount, bill.unit) for bill in me.vendor.bills]
        assert bills == [
            (grid, "imagine", Decimal(4), "credits"),
            (pick, "upscale-1x", Decimal(2), "credits"),
            (large, "upscale-2x-4x", Decimal(2), "credits"),
            (alt, "upscale-alt", Decimal(4), "credits"),
        ]
        assert me.vendor.bills[1].webhook_url == "http://127.0.0.1:1/"
        assert me.vendor.bills[2].body == {"parent_task_id": pick, "type": "2x"}


async def test_any_picture_can_be_upscaled_and_exactly_one_is_named() -> None:
    async with buyer() as me:
        url = "https://example.com/my-image.png"
        assert (await me.fetch(await me.done("upscale-2x-4x", image_url=url, type="4x")))["task_type"] == "upscale-4x"
        assert "exactly one" in await me.wrong("upscale-2x-4x", type="2x")
        assert "exactly one" in await me.wrong("upscale-2x-4x", type="2x", image_url=url, parent_task_id=NOBODY)


@pytest.mark.parametrize(
    ("endpoint", "body", "words"),
    [
        ("imagine", {}, "prompt is required"),
        ("imagine", {"prompt": 7}, "prompt is required"),
        ("upscale-1x", {"index": "1"}, "parent_task_id is required"),
        ("upscale-1x", {"index": "1", "parent_task_id": NOBODY}, "parent_task_id not found"),
        ("upscale-1x", {"index": "0", "parent_task_id": NOBODY}, "index must be 1, 2, 3, or 4"),
        ("upscale-1x", {"index": 2, "parent_task_id": NOBODY}, "index must be 1, 2, 3, or 4"),
        ("blend", {"image_urls": ["x"]}, "image_urls must contain 2-5 URLs"),
        ("fetch-many", {"task_ids": ["x"]}, "task_ids must contain 2-20 IDs"),
        ("fetch-many", {"task_ids": ["x"] * 21}, "task_ids must contain 2-20 IDs"),
    ],
)
async def test_wrong_orders_are_refused_in_the_documented_words(
    endpoint: str, body: dict[str, object], words: str
) -> None:
    async with buyer() as me:
        assert await me.wrong(endpoint, **body) == words
        assert not me.vendor.bills


async def test_follow_ups_need_the_right_parent() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat")
        pick = await me.done("upscale-1x", parent_task_id=grid, index="1")
        alt = await me.done("upscale-alt", parent_task_id=pick, type="subtle")
        vary = await me.done("variations", parent_task_id=grid, index="3")
        await me.done("variations", parent_task_id=pick, index="strong")
        await me.done("pan", parent_task_id=pick, direction="left")
        await me.done("outpaint", parent_task_id=pick)
        await me.done("reroll", parent_task_id=grid)
        billed = len(me.vendor.bills)
        await me.wrong("upscale-alt", parent_task_id=grid, type="subtle")
        await me.wrong("upscale-alt", parent_task_id=alt, type="subtle")
        await me.wrong("upscale-1x", parent_task_id=pick, index="1")
        await me.wrong("variations", parent_task_id=grid, index="strong")
        await me.wrong("variations", parent_task_id=pick, index="1")
        await me.wrong("reroll", parent_task_id=vary)
        await me.wrong("pan", parent_task_id=grid, direction="left")
        await me.wrong("inpaint", parent_task_id=grid)
        assert len(me.vendor.bills) == billed


async def test_fetching_many_leaves_unknown_tasks_out() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat")
        pick = await me.done("upscale-1x", parent_task_id=grid, index="1")
        tasks = (await me.post("fetch-many", task_ids=[grid, NOBODY, pick])).json()["tasks"]
    assert [(task["task_id"], task["task_type"]) for task in tasks] == [(grid, "imagine"), (pick, "upscale-1x")]


async def test_describe_gives_four_texts() -> None:
    async with buyer() as me:
        told = await me.fetch(await me.done("describe", image_url="https://example.com/a.png"))
    assert (told["image_url"], len(told["content"])) == ("https://example.com/a.png", 4)


async def test_other_models_answer_with_the_picture() -> None:
    async with buyer() as me:
        told = (await me.post("imagine", prompt="a cat", model="flux-2-max")).json()
    assert told.keys() == {"task_id", "status", "image_url"}


async def test_a_bearer_prefix_is_not_let_in() -> None:
    async with buyer() as me:
        answer = await me.client.post("/api/v1/imagine", json={}, headers={"authorization": "Bearer japi_live_x"})
    assert (answer.status_code, answer.json()) == (401, {})
