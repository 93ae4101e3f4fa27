from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import pytest

from receiver.contracts import (
    Answer,
    Provider,
    Source,
)
from receiver.lib.signatures import Secret
from receiver.model.jobs import Job, KeptJob
from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.receivers.post_collector import PostCollector
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build
from receiver.providers.vtrix import Vtrix, VtrixOptions


class Buyer(NamedTuple):
    vendor: PretendVendor
    client: httpx.AsyncClient
    inbox: PostCollector
    hook: str

    async def post(self, model: str, **params: object) -> httpx.Response:
        body = {"model": f"midjourney_{model}", "input": [{"params": params}]}
        return await self.client.post("/model/v1/generation", json=body)

    async def done(self, model: str, **params: object) -> Any:
        answer = await self.post(model, **params)
        assert answer.status_code == 200, answer.text
        await self.vendor.settled()
        return (await self.client.get(f"/model/v1/generation/task/{answer.json()['id']}")).json()

    async def grid(self) -> str:
        task = await self.done("diffusion", text="a cat")
        return str(task["output"][0]["content"][0]["jobId"])

    async def queue(self, model: str, **params: object) -> httpx.Response:
        return await self.client.post(f"/model/v1/queue/midjourney_{model}", json=params)


@asynccontextmanager
async def buyer(**switches: Any) -> AsyncIterator[Buyer]:
    inbox = PostCollector()
    vendor = build("vtrix", VendorOptions(**{"pace": 0.02, **switches}))
    async with (
        serve(inbox.app) as hook,
        serve(vendor.app, grace=0.05) as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": "Bearer x"}) as client,
    ):
        yield Buyer(vendor, client, inbox, hook)


async def test_a_diffusion_ends_with_four_pictures_and_a_cost() -> None:
    async with buyer() as me:
        task = await me.done("diffusion", text="a cat")
    content = task["output"][0]["content"]
    assert (task["status"], task["model"], len(content)) == ("completed", "midjourney_diffusion", 4)
    assert task["usage"]["cost"] == "0.10"
    assert {picture["type"] for picture in content} == {"image"}
    assert {picture["jobId"] for picture in content} != {task["id"]}


async def test_a_new_task_is_in_progress() -> None:
    async with buyer(pace=600) as me:
        task = (await me.post("diffusion", text="a cat")).json()
    assert (task["status"], task["progress"]) == ("in_progress", 0)
    assert "output" not in task


async def test_an_upscale_names_the_outputs_job_and_counts_from_0() -> None:
    async with buyer() as me:
        grid = await me.grid()
        task = await me.done("upscale", jobId=grid, imageNo=0, type=0)
        assert len(task["output"][0]["content"]) == 1
        assert me.vendor.jobs[1].seeds == me.vendor.jobs[0].seeds[:1]
        assert (me.vendor.bills[1].endpoint, me.vendor.bills[1].amount, me.vendor.bills[1].unit) == (
            "midjourney_upscale",
            Decimal("0.05"),
            "USD",
        )


async def test_flat_parameters_are_taken_too() -> None:
    async with buyer() as me:
        body = {"model": "midjourney_upscale", "jobId": await me.grid(), "imageNo": 3, "type": 1}
        assert (await me.client.post("/model/v1/generation", json=body)).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"jobId": None}, 8004005001),
        ({"imageNo": None}, 8004005002),
        ({"imageNo": 4}, 8004005003),
        ({"imageNo": "1"}, 8004005003),
        ({"type": None}, 8004005004),
        ({"type": 4}, 8004005005),
        ({"callback": "ftp://x"}, 8004005006),
    ],
)
async def test_a_wrong_upscale_has_the_documented_code(change: dict[str, object], code: int) -> None:
    async with buyer() as me:
        params = {"jobId": await me.grid(), "imageNo": 1, "type": 0, **change}
        answer = await me.post("upscale", **{name: value for name, value in params.items() if value is not None})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
        assert len(me.vendor.bills) == 1


async def test_the_tasks_own_id_is_no_parent() -> None:
    async with buyer() as me:
        task = await me.done("diffusion", text="a cat")
        assert (await me.post("upscale", jobId=task["id"], imageNo=1, type=0)).status_code == 400


async def test_the_callback_gets_the_ended_task() -> None:
    async with buyer() as me:
        task = await me.done("diffusion", text="a cat", callback=f"{me.hook}/in/vtrix/ref")
        (post,) = me.inbox.posts
    assert (post.path, post.body) == ("/in/vtrix/ref", task)


async def test_a_failure_has_a_code() -> None:
    async with buyer(fail="no") as me:
        task = await me.done("diffusion", text="a cat")
    assert (task["status"], task["error"]) == ("failed", {"code": 8004005098, "error_message": "no"})


async def test_a_queued_request_is_asked_for_at_the_addresses_it_names() -> None:
    async with buyer() as me:
        ticket = (await me.queue("diffusion", text="a cat")).json()
        assert ticket.keys() == {"request_id", "response_url", "status_url", "cancel_url", "queue_position"}
        assert ticket["request_id"].startswith("mmsu_")
        await me.vendor.settled()
        assert (await me.client.get(ticket["status_url"])).json()["status"] == "COMPLETED"
        outputs = (await me.client.get(ticket["response_url"])).json()["outputs"]
        assert len(outputs) == 4
        answer = await me.queue("upscale", jobId=outputs[0]["jobId"], imageNo=3, type=2)
        assert answer.status_code == 200


async def test_an_unfinished_response_is_a_202_and_can_be_canceled() -> None:
    async with buyer(pace=600) as me:
        ticket = (await me.queue("diffusion", text="a cat")).json()
        early = await me.client.get(ticket["response_url"])
        assert (early.status_code, early.json()["status"]) == (202, "IN_QUEUE")
        canceled = await me.client.put(ticket["cancel_url"])
        assert (canceled.status_code, canceled.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
        assert (await me.client.get(ticket["status_url"])).json()["error_type"] == "CANCELED"
        again = await me.client.put(ticket["cancel_url"])
        assert (again.status_code, again.json()) == (400, {"status": "ALREADY_COMPLETED"})


async def test_only_a_put_cancels_and_only_what_is_known() -> None:
    async with buyer(pace=600) as me:
        ticket = (await me.queue("diffusion", text="a cat")).json()
        assert (await me.client.post(ticket["cancel_url"], json={})).status_code == 405
        assert (await me.client.get(ticket["status_url"])).json()["status"] == "IN_QUEUE"
        unknown = await me.client.put(ticket["cancel_url"].replace(ticket["request_id"], "mmsu_x"))
        assert (unknown.status_code, unknown.json()) == (404, {"status": "NOT_FOUND"})


async def test_the_dialects_own_call_cancels() -> None:
    async with buyer(pace=600) as me:
        ticket = (await me.queue("diffusion", text="a cat")).json()
        dialect: Provider = Vtrix(VtrixOptions(api="queue"))
        source = Source(name="sea", provider=dialect, base_url=str(me.client.base_url).rstrip("/"), api_key=Secret("x"))
        job = Job(
            id="job_1",
            source="sea",
            provider="vtrix",
            provider_job_id=ticket["request_id"],
            action="imagine",
            status="running",
            root_id="job_1",
            created_at="2026-11-21T10:00:00.000Z",
        )
        kept = KeptJob(number=1, job=job, intent="i")
        call = dialect.cancel(kept, source)
        assert call is not None
        assert call.url == ticket["cancel_url"]
        assert (await me.client.request(call.method, call.url, headers=call.headers)).status_code == 202
        asked = dialect.query([kept], source)
        said = await me.client.request(asked.method, asked.url, headers=asked.headers)
        (report,) = dialect.read(Answer(status=said.status_code, body=said.content), [kept])
    assert report.status == "canceled"


async def test_a_queued_failure_is_completed_with_an_error() -> None:
    async with buyer(fail="no") as me:
        ticket = (await me.queue("diffusion", text="a cat")).json()
        await me.vendor.settled()
        status = (await me.client.get(ticket["status_url"])).json()
    assert (status["status"], status["error"], status["error_type"]) == ("COMPLETED", "no", "INFERENCE_FAILURE")


async def test_the_queue_refuses_every_callback() -> None:
    async with buyer() as me:
        path = "/model/v1/queue/midjourney_diffusion"
        body = {"text": "a cat"}
        refused = [
            await me.client.post(path, json={**body, "callback": me.hook}),
            await me.client.post(path, json=body, params={"webhook": me.hook}),
            await me.client.post(path, json=body, headers={"x-webhook-url": me.hook}),
        ]
        assert {answer.text for answer in refused} == {'{"detail":"webhook not supported"}'}
        assert not me.vendor.bills


async def test_a_lack_of_credits_has_the_documented_shape() -> None:
    async with buyer(order_failures=("402",)) as me:
        answer = await me.post("diffusion", text="a cat")
    assert answer.json()["status"] == {"code": 402, "message": "Insufficient credits", "error_code": 40201}
