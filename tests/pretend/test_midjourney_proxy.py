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

PNG = "data:image/png;base64,iVBORw0KGgo="


class Buyer(NamedTuple):
    vendor: PretendVendor
    client: httpx.AsyncClient
    inbox: PostCollector
    hook: str

    async def post(self, name: str, **body: object) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.client.post(f"/mj/submit/{name}", json=body)).json()
        return answer

    async def done(self, name: str, **body: object) -> str:
        answer = await self.post(name, **body)
        assert answer["code"] == 1, answer
        await self.vendor.settled()
        return str(answer["result"])

    async def fetch(self, name: str) -> Any:
        return (await self.client.get(f"/mj/task/{name}/fetch")).json()

    async def press(self, name: str, start: str) -> dict[str, Any]:
        """Presses the first button whose id begins so."""
        shown = [str(button["customId"]) for button in (await self.fetch(name))["buttons"]]
        found = next(one for one in shown if one.startswith(start))
        return await self.post("action", taskId=name, customId=found)


@asynccontextmanager
async def buyer(flavour: str = "trueai", **switches: Any) -> AsyncIterator[Buyer]:
    inbox = PostCollector(())
    vendor = build("midjourney-proxy", VendorOptions(**{"pace": 0.02, "flavour": flavour, **switches}))
    async with (
        serve(inbox.app) as hook,
        serve(vendor.app, grace=0.05) as url,
        httpx.AsyncClient(base_url=url, headers={"mj-api-secret": "x"}) as client,
    ):
        yield Buyer(vendor, client, inbox, hook)


async def test_every_change_is_posted_as_the_task_once() -> None:
    async with buyer("novicezk") as me:
        name = await me.done("imagine", prompt="a cat", notifyHook=me.hook, state="mine")
        told = [letter.body for letter in me.inbox.posts]
    assert [task["status"] for task in told] == ["IN_PROGRESS"] * 3 + ["SUCCESS"]
    assert {(task["id"], task["action"], task["state"]) for task in told} == {(name, "IMAGINE", "mine")}
    assert (told[-1]["progress"], told[-1]["imageUrl"].rsplit("/")[-1]) == ("100%", "grid.png")
    assert "buttons" not in told[-1]


async def test_a_second_pick_of_a_tile_exists_at_novicezk_and_costs_nothing() -> None:
    async with buyer("novicezk") as me:
        grid = await me.done("imagine", prompt="a cat")
        name = await me.done("change", taskId=grid, action="UPSCALE", index=2)
        again = await me.post("simple-change", content=f"{grid} U2")
        assert (again["code"], again["result"], again["properties"]["status"]) == (21, name, "SUCCESS")
        assert len(me.vendor.bills) == 2
        assert (await me.post("change", taskId=grid, action="UPSCALE", index=3))["code"] == 1


async def test_a_second_pick_of_a_tile_is_another_task_at_trueai() -> None:
    async with buyer() as me:
        grid = await me.done("imagine", prompt="a cat")
        names = {await me.done("simple-change", content=f"{grid} U2") for _ in range(2)}
    assert len(names) == 2


async def test_a_pick_is_enlarged_by_its_buttons() -> None:
    async with buyer() as me:
        pick = await me.done("change", taskId=await me.done("imagine", prompt="a --v 6"), action="UPSCALE", index=1)
        answer = await me.press(pick, "MJ::JOB::upsample_v6_2x_creative")
        await me.vendor.settled()
        hd = await me.fetch(answer["result"])
    assert (answer["code"], hd["action"], hd["status"], hd["parentId"]) == (1, "ACTION", "SUCCESS", pick)
    assert [bill.endpoint for bill in me.vendor.bills] == ["imagine", "upscale", "action"]


async def test_an_inpaint_waits_for_its_modal_and_goes_on_as_the_same_task() -> None:
    async with buyer() as me:
        pick = await me.done("change", taskId=await me.done("imagine", prompt="a"), action="UPSCALE", index=1)
        answer = await me.press(pick, "MJ::Inpaint::")
        assert (answer["code"], answer["description"]) == (21, "Waiting for window confirm")
        assert (await me.fetch(answer["result"]))["status"] == "MODAL"
        assert await me.done("modal", taskId=answer["result"], prompt="a hat", maskBase64=PNG) == answer["result"]
        done = await me.fetch(answer["result"])
        assert (done["status"], done["prompt"]) == ("SUCCESS", "a hat")
        assert (await me.post("modal", taskId=answer["result"], prompt="again"))["code"] == 4
    assert len(me.vendor.bills) == 3


async def test_tasks_are_listed_and_what_is_unknown_is_left_out() -> None:
    async with buyer() as me:
        names = [await me.done("imagine", prompt=prompt) for prompt in ("a", "b")]
        listed = await me.client.post("/mj/task/list-by-condition", json={"ids": [*names, "nobody"]})
        unknown = await me.client.get("/mj/task/nobody/fetch")
    assert [task["id"] for task in listed.json()] == names
    assert (unknown.status_code, unknown.content) == (204, b"")


async def test_novicezk_has_neither_buttons_nor_a_way_to_stop() -> None:
    async with buyer("novicezk") as me:
        name = await me.done("imagine", prompt="a")
        for path in ("submit/action", "submit/modal", f"task/{name}/cancel"):
            assert (await me.client.post(f"/mj/{path}", json={"taskId": name})).status_code == 404
        unknown = await me.client.get("/mj/task/nobody/fetch")
    assert (unknown.status_code, unknown.content) == (200, b"")


async def test_trueai_stops_a_task_as_a_failure() -> None:
    async with buyer(pace=600) as me:
        name = (await me.post("imagine", prompt="a"))["result"]
        assert (await me.client.post(f"/mj/task/{name}/cancel", json={})).status_code == 200
        task = await me.fetch(name)
    assert (task["status"], task["failReason"], task["progress"]) == ("FAILURE", "取消任务", "")


async def test_a_description_is_words() -> None:
    async with buyer() as me:
        task = await me.fetch(await me.done("describe", base64=PNG))
    assert (task["action"], task["imageUrl"], task["buttons"]) == ("DESCRIBE", None, [])
    assert "pretend" in task["properties"]["finalPrompt"]


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("imagine", {"prompt": " "}, 4),
        ("imagine", {"prompt": "nude"}, 24),
        ("blend", {"base64Array": [PNG], "dimensions": "SQUARE"}, 4),
        ("blend", {"base64Array": [PNG, PNG]}, 4),
        ("describe", {}, 4),
        ("change", {"action": "UPSCALE", "index": 1}, 4),
        ("change", {"taskId": "nobody", "action": "UPSCALE", "index": 1}, 3),
        ("change", {"taskId": "nobody", "action": "UPSCALE", "index": 5}, 4),
        ("change", {"taskId": "nobody", "action": "PAN"}, 4),
        ("simple-change", {"content": "nobody U5"}, 4),
        ("action", {"taskId": "nobody", "customId": "MJ::JOB::reroll::0::x"}, 3),
        ("action", {"taskId": "nobody"}, 4),
        ("modal", {"taskId": "nobody", "prompt": "a"}, 3),
        ("modal", {"taskId": "nobody"}, 4),
    ],
)
async def test_what_is_wrong_has_its_code(name: str, body: dict[str, Any], code: int) -> None:
    async with buyer() as me:
        assert (await me.post(name, **body))["code"] == code
    assert not me.vendor.bills


async def test_a_button_of_another_task_and_a_change_of_a_pick_are_refused() -> None:
    async with buyer() as me:
        one, other = [await me.done("imagine", prompt=prompt) for prompt in ("a", "b")]
        button = (await me.fetch(other))["buttons"][0]["customId"]
        assert (await me.post("action", taskId=one, customId=button))["code"] == 4
        pick = await me.done("change", taskId=one, action="UPSCALE", index=1)
        assert (await me.post("change", taskId=pick, action="REROLL"))["code"] == 4
        assert len(me.vendor.bills) == 3
