from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.receivers.post_collector import PostCollector
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build
from receiver.pretend.vtrix.orders import output_id
from support.picks import FIXTURES, PICK, parents, remember, vendor_knowing
from support.server import AUTO_HD, HOOK_SECRET, JOURNEY, Server, serving, until

API_KEY = "afk_live_0123456789"
PATH_TOKEN = "a-token-for-a-path-0123456789"
TEAM = """
[sinks.team]
handler = "slack"
url = "{slack}/services/T000/B000/XXXX"
rate = "20/s"

[[rules]]
name = "tell"
when = {{ type = ["job.completed", "job.failed"] }}
to = ["team"]
"""
APIFRAME = """
[sources.frame]
provider = "apiframe"
api_key = "env:FRAME_KEY"
"""
APIMART = """
[sources.mart]
provider = "apimart"
token = "env:PATH_TOKEN"
"""
VTRIX = """
[sources.vtrix]
provider = "vtrix"
api_key = "env:VTRIX_KEY"
token = "env:PATH_TOKEN"
base_url = "{vendor}"

[[rules]]
name = "second-tile"
when = { type = "job.completed", action = "imagine" }
then = { action = "pick", index = 2, then = { action = "upscale", kind = "subtle" } }
"""
ENV = {"FRAME_KEY": API_KEY, "PATH_TOKEN": PATH_TOKEN, "VTRIX_KEY": "vtrix-key"}


class Scene(NamedTuple):
    server: Server
    slack: PostCollector

    async def told(self, messages: int) -> None:
        """Waits until Slack has so many messages and nothing is on its way."""
        await until(lambda: len(self.slack.posts) >= messages and self.server.calm(), f"Slack has {messages} messages")


@asynccontextmanager
async def a_scene(folder: Path, toml: str, vendor: PretendVendor, *options: str) -> AsyncIterator[Scene]:
    """gridhook between a pretend vendor and a pretend Slack."""
    slack = PostCollector()
    async with serve(vendor.app) as at_vendor, serve(slack.app) as at_slack:
        written = toml.replace("{vendor}", at_vendor) + TEAM.format(slack=at_slack)
        async with serving(folder, written, *options, env=ENV) as server:
            yield Scene(server, slack)


async def curl(server: Server, path: str, body: bytes, **headers: str) -> int:
    """Posts as a person would, with curl if it is there; gives the status."""
    said = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    program = shutil.which("curl")
    if program is None:
        return (await server.post(path, body, said)).status_code
    listed = [part for name, value in said.items() for part in ("-H", f"{name}: {value}")]
    asked = [program, "-q", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", *listed]
    running = await asyncio.create_subprocess_exec(
        *asked,
        "--data-binary",
        "@-",
        server.url + path,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await running.communicate(body)
    assert running.returncode == 0
    return int(out)


def fixture(name: str) -> bytes:
    """A documented payload, byte for byte."""
    return (FIXTURES / name).read_bytes()


JOURNEY_HD = JOURNEY.format(vendor="{vendor}", more="") + AUTO_HD


async def post_pick(server: Server) -> None:
    """The documented payload about a finished pick, with the right secret."""
    body = fixture("journeyapi/fetch_many_upscale.json")
    assert await curl(server, "/in/journey", body, x_webhook_secret=HOOK_SECRET) == 200


async def must_be_done_once(scene: Scene, vendor: PretendVendor) -> None:
    """One HD order, one message for the pick and one for its enlargement."""
    await scene.told(2)
    await vendor.settled()
    listed = await scene.server.api("/jobs")
    assert [(job["action"], job["status"]) for job in listed["items"]] == [
        ("upscale", "completed"),
        ("pick", "completed"),
    ]
    assert [(bill.endpoint, bill.body["type"]) for bill in vendor.bills] == [("upscale-2x-4x", "2x")]
    assert parents(vendor) == [PICK["task_id"]]
    assert len(scene.slack.posts) == 2
    assert PICK["image_url"] in scene.slack.posts[0].raw.decode()


async def test_the_main_job_a_finished_pick_becomes_one_hd_order_and_a_message(tmp_path: Path) -> None:
    vendor = vendor_knowing(PICK["task_id"])
    async with a_scene(tmp_path, JOURNEY_HD, vendor) as scene:
        await post_pick(scene.server)
        await must_be_done_once(scene, vendor)


async def test_the_main_job_is_done_after_a_kill_between_the_answer_and_the_dispatch(tmp_path: Path) -> None:
    vendor = vendor_knowing(PICK["task_id"])
    async with a_scene(tmp_path, JOURNEY_HD, vendor, "--role", "intake") as scene:
        await post_pick(scene.server)
        await scene.server.kill9()
        assert not vendor.bills
        await scene.server.start()
        await must_be_done_once(scene, vendor)


async def test_the_main_job_is_not_done_again_after_a_kill_behind_it(tmp_path: Path) -> None:
    vendor = vendor_knowing(PICK["task_id"])
    async with a_scene(tmp_path, JOURNEY_HD, vendor) as scene:
        await post_pick(scene.server)
        await must_be_done_once(scene, vendor)
        await scene.server.kill9()
        await scene.server.start()
        await post_pick(scene.server)
        await must_be_done_once(scene, vendor)


async def test_the_main_job_of_apiframe_a_signed_webhook_becomes_a_message(tmp_path: Path) -> None:
    body = fixture("apiframe/webhook_completed.json")
    key = hashlib.sha256(API_KEY.encode()).digest()
    signature = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    async with a_scene(tmp_path, APIFRAME, build("apiframe")) as scene:
        assert await curl(scene.server, "/in/frame", body, x_webhook_signature=signature) == 200
        await scene.told(1)
    assert [json.loads(body)["result"] in letter.raw.decode() for letter in scene.slack.posts] == [True]


async def test_the_main_job_of_apimart_a_webhook_on_its_token_becomes_a_message(tmp_path: Path) -> None:
    body = fixture("apimart/task_completed.json").replace("…".encode(), b"a")
    async with a_scene(tmp_path, APIMART, build("apimart")) as scene:
        assert await curl(scene.server, f"/in/mart/{PATH_TOKEN}/callback", body) == 200
        await scene.told(1)
    assert ["https://upload.apimart.ai/f/image/a_0.png" in str(letter.body) for letter in scene.slack.posts] == [True]


async def test_the_main_job_of_vtrix_the_second_tile_of_a_grid_is_enlarged(tmp_path: Path) -> None:
    vendor = build("vtrix", VendorOptions(pace=0.02, progress_steps=0))
    remember(vendor, "task-1", "midjourney_diffusion", "grid", api="generation")
    output = output_id("task-1")
    body = fixture("vtrix/assembled_task_completed.json").replace(b"remote-job-1", output.encode())
    async with a_scene(tmp_path, VTRIX, vendor) as scene:
        assert await curl(scene.server, f"/in/vtrix/{PATH_TOKEN}", body) == 200
        await scene.told(3)
        jobs = scene.server.rows("SELECT action, status FROM jobs ORDER BY number")
    assert jobs == [("imagine", "completed"), ("pick", "completed"), ("upscale", "completed")]
    asked = [bill.body["input"][0]["params"] for bill in vendor.bills]
    assert [(params["jobId"], params["imageNo"], params["type"]) for params in asked] == [(output, 1, 0)]
