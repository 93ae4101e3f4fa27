"""From an order to an enlarged tile at a pretend midjourney-proxy, by its webhooks and without any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build
from support.server import Server, serving, until

SOURCE = """
[sources.own]
provider = "midjourney-proxy"
flavour = "{flavour}"
base_url = "{vendor}"
api_key = "env:MJ_SECRET"
poll = {{ after = "500ms", every = "300ms" }}

[[rules]]
name = "second-tile"
when = {{ type = "job.completed", action = "imagine" }}
then = {{ action = "pick", index = 2{more} }}
"""
ENLARGED = ', then = { action = "upscale", kind = "subtle" }'


@asynccontextmanager
async def at(folder: Path, vendor: PretendVendor, more: str = "") -> AsyncIterator[Server]:
    """gridhook with an account at a pretend midjourney-proxy."""
    async with serve(vendor.app) as url:
        toml = SOURCE.format(flavour=vendor.options.flavour, vendor=url, more=more)
        async with serving(folder, toml, env={"MJ_SECRET": "the-secret"}) as server:
            yield server


def a_vendor(**switches: Any) -> PretendVendor:
    """A quick pretend vendor that lets nobody in without the right secret."""
    return build(
        "midjourney-proxy", VendorOptions(**{"pace": 0.05, "progress_steps": 1, "api_key": "the-secret", **switches})
    )


async def ordered(server: Server, action: str, parent: str | None = None, **params: object) -> str:
    """Orders something; returns our id of the job."""
    body = {"source": "own", "action": action, "params": params, "parent_id": parent}
    job: dict[str, str] = await server.api("/jobs", body)
    return job["id"]


async def ended(server: Server, *jobs: tuple[str, str]) -> None:
    """Waits until the jobs are these, oldest first, and nothing is on its way."""
    sql = "SELECT action, status FROM jobs ORDER BY number"
    await until(lambda: server.rows(sql) == list(jobs) and server.calm(), f"{jobs}; it was {server.rows(sql)}")


async def test_a_grid_becomes_a_tile_and_an_enlargement_by_its_button_each_ordered_once(tmp_path: Path) -> None:
    vendor = a_vendor(duplicates=2, forge=True)
    async with at(tmp_path, vendor, ENLARGED) as server:
        await ordered(server, "imagine", prompt="a lighthouse --v 6")
        await ended(server, ("imagine", "completed"), ("pick", "completed"), ("upscale", "completed"))
        await vendor.settled()
        upscale, pick, imagine = (await server.api("/jobs"))["items"]
        assert [bill.endpoint for bill in vendor.bills] == ["imagine", "upscale", "action"]
        assert vendor.bills[2].body["customId"].startswith("MJ::JOB::upsample_v6_2x_subtle::1::")
        assert [bill.body["state"] for bill in vendor.bills] == [imagine["id"], pick["id"], upscale["id"]]
        assert (imagine["grid_url"].rsplit("/")[-1], imagine["images"]) == ("grid.png", [])
        assert [len(job["images"]) for job in (pick, upscale)] == [1, 1]
        assert {post.status for post in vendor.posts if post.forged} == {401}
        assert "zoom" in {one["action"] for one in upscale["next_actions"]}

        inpaint = await ordered(server, "inpaint", pick["id"])
        await until(lambda: vendor.jobs[-1].state == "waiting" and server.calm(), "the inpaint waits")
        modal = await ordered(server, "modal", inpaint, prompt="a red roof")
        done = [await server.api(f"/jobs/{job}?wait=30") for job in (modal, inpaint)]
    assert [(job["status"], job["grid_url"] is not None) for job in done] == [("completed", False), ("completed", True)]
    assert len(vendor.bills) == 4


async def test_picks_come_without_any_webhook_and_one_that_is_sent_again_exists_already(tmp_path: Path) -> None:
    vendor = a_vendor(flavour="novicezk", lose=True)
    async with at(tmp_path, vendor) as server:
        grids = [await ordered(server, "imagine", prompt=prompt) for prompt in ("a", "b")]
        await ended(server, *[("imagine", "completed")] * 2, *[("pick", "completed")] * 2)
        assert [bill.endpoint for bill in vendor.bills] == ["imagine", "imagine", "upscale", "upscale"]

        vendor.fail_next("reset-taken")
        third = (await server.api(f"/jobs/{grids[0]}/pick", {"index": 3}))["id"]
        await until(lambda: server.rows("SELECT status FROM jobs ORDER BY number")[-1] == ("unsure",), "it is unsure")
        await vendor.settled()
        await server.api(f"/jobs/{third}/resolve", {"decision": "send"})
        told = await server.api(f"/jobs/{third}?wait=30")
    assert (told["status"], len(told["images"]), len(vendor.bills)) == ("completed", 1, 5)
