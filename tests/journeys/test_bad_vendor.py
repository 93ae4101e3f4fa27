from __future__ import annotations

from pathlib import Path

import pytest

from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendors import build
from support.server import AUTO_HD, JOURNEY, serving, until

SECOND_TILE = """
[[rules]]
name = "second-tile"
when = { type = "job.completed", action = "imagine" }
then = { action = "pick", index = 2 }
"""
ASKED = {"source": "journey", "action": "imagine", "params": {"prompt": "a lighthouse"}}


@pytest.mark.parametrize("webhook_before_answer", [True, False])
async def test_a_chain_is_ordered_once_though_webhooks_come_in_threes_in_wrong_order_too_early_and_forged(
    tmp_path: Path, webhook_before_answer: bool
) -> None:
    options = VendorOptions(
        pace=0.2, duplicates=3, reorder=True, forge=True, webhook_before_answer=webhook_before_answer
    )
    vendor = build("journeyapi", options)
    async with serve(vendor.app) as at_vendor:
        toml = JOURNEY.format(vendor=at_vendor, more="") + SECOND_TILE + AUTO_HD
        async with serving(tmp_path, toml) as server:
            root = await server.api("/jobs", ASKED)
            await until(lambda: len(vendor.jobs) == 3 and vendor.jobs[-1].ended, "the chain is at its end")
            await vendor.settled()
            await until(server.calm, "every answer is written down")
            jobs = (await server.api(f"/jobs?root_id={root['id']}"))["items"]
    grid, tile, large = vendor.jobs
    said = [(job["action"], job["status"], job["provider_job_id"]) for job in reversed(jobs)]
    assert said == [
        ("imagine", "completed", grid.id),
        ("pick", "completed", tile.id),
        ("upscale", "completed", large.id),
    ]
    assert [job["parent_id"] for job in reversed(jobs)] == [None, jobs[2]["id"], jobs[1]["id"]]
    assert [(bill.endpoint, bill.body.get("parent_task_id"), bill.body.get("index")) for bill in vendor.bills] == [
        ("imagine", None, None),
        ("upscale-1x", grid.id, "2"),
        ("upscale-2x-4x", tile.id, None),
    ]
    assert {post.status for post in vendor.posts if post.forged} == {401}
    assert {post.status for post in vendor.posts if not post.forged} == {200}
