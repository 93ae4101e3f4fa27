"""A vendor that is described in TOML alone, from the order to the settled doubt."""

from __future__ import annotations

import time
from pathlib import Path

from receiver.pretend.loopback import serve
from support.heron import ENV, KEY, SECRET, Heron, heron_alone
from support.server import serving, until

ENLARGE = """
[[rules]]
name = "second"
when = { type = "job.completed", action = "imagine", source = "heron" }
then = { action = "upscale", index = 2 }
"""
ASKED = {"source": "heron", "action": "imagine", "params": {"prompt": 'a "heron"', "seed": 7}}


async def test_it_is_ordered_at_asked_followed_up_on_and_its_doubt_is_settled_by_a_signed_webhook(
    tmp_path: Path,
) -> None:
    vendor = Heron()
    async with serve(vendor.app) as at_vendor, serving(tmp_path, heron_alone(at_vendor) + ENLARGE, env=ENV) as server:
        root = await server.api("/jobs", ASKED)
        await until(lambda: len(vendor.orders) == 2, "the silent grid was asked for and its tile enlarged")
        await until(server.calm, "the answer is written down")
        (large,) = (await server.api(f"/jobs?parent_id={root['id']}"))["items"]
        assert (large["status"], large["action"], large["params"]) == ("unsure", "upscale", {"index": 2, "kind": "2x"})
        (_, path, _, body) = vendor.orders[1]
        done = {
            "id": "p-2",
            "state": "HUNG",
            "kind": "enlarge",
            "files": [{"id": "g1", "url": "https://x.example/l.png"}],
        }
        assert await vendor.post(body["hook"]["url"], done, int(time.time()) - 3600) == 401
        assert await vendor.post(body["hook"]["url"], done, int(time.time())) == 200
        large = await server.api(f"/jobs/{large['id']}?wait=10")
        grid = await server.api(f"/jobs/{root['id']}")
        kept = server.database.read_bytes() + server.log.read_bytes()
    assert (large["status"], [one["url"] for one in large["images"]]) == ("completed", ["https://x.example/l.png"])
    assert (grid["status"], len(grid["images"]), grid["cost"]) == (
        "completed",
        4,
        {"amount": "3", "unit": "credits", "source": "reported"},
    )
    assert [one["params"].get("index") for one in grid["next_actions"]] == [1, 2, 3, 4]
    assert large["cost"] == {"amount": "3", "unit": "credits", "source": "table"}
    (method, drawn_at, headers, drawn) = vendor.orders[0]
    assert (method, drawn_at, headers["authorization"]) == ("POST", "/pieces", f"Bearer {KEY}")
    assert headers["x-once"] == root["id"]
    assert drawn["hook"]["url"].startswith(f"{server.url}/in/heron/")
    assert drawn == {"kind": "draw", "prompt": 'a "heron"', "seed": 7, "hook": {**drawn["hook"], "word": SECRET}}
    assert (path, body["tile"], body["picture"]) == ("/pieces/p-1/enlarge", 1, "https://x.example/2.png")
    assert KEY.encode() not in kept
    assert SECRET.encode() not in kept
