"""Slack, whole: a grid in the channel, a killed server, a day, a press by Socket Mode, and all of it in one thread."""

from __future__ import annotations

import sys
from pathlib import Path

from receiver.lib.times import system_clock
from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.platforms.channel.messages import PEOPLE
from receiver.pretend.platforms.slack.clicks import buttons_of
from receiver.pretend.platforms.slack.server import PretendSlack
from receiver.pretend.platforms.slack.workspace import SlackMessage, SlackOptions
from receiver.pretend.vendors import build
from support.server import JOURNEY, serving, until

DAY_MS = 86_400_000
ADA = PEOPLE[0]
#: gridhook on a machine whose clocks are a day on.
A_DAY_ON = """
import time
day_ns, wall, steady = 86_400 * 10**9, time.time_ns, time.clock_gettime_ns
time.time_ns = lambda: wall() + day_ns
time.time = lambda: time.time_ns() / 10**9
time.clock_gettime_ns = lambda clock: steady(clock) + day_ns
from receiver.app import main
main()
"""
SINKS = """
[network]
allow = ["127.0.0.0/8"]

[sinks.team]
handler = "slack"
api_url = "{slack}/api"
token = "xoxb-pretend"
channel = "C0PRETEND1"
app_token = "xapp-pretend"
pictures = "upload"
rate = "50/s"

[sinks.pictures]
handler = "archive"
to = "pictures"

[[rules]]
name = "poster"
when = { type = "job.completed", action = "imagine" }
then = { action = "pick", index = "ask", ask = "team", within = "48h", default = 1,
         then = { action = "upscale", kind = "2x" } }

[[rules]]
when = { type = "job.completed" }
to = ["pictures"]

[[rules]]
when = { type = ["job.completed", "job.archived"], action = "upscale" }
to = ["team"]
"""


async def test_a_grid_is_picked_from_a_day_after_the_server_was_killed_and_all_is_in_one_thread(tmp_path: Path) -> None:
    later_ms = 0
    slack = PretendSlack(SlackOptions(burst=1000), clock=lambda: system_clock() + later_ms)
    vendor = build("journeyapi", VendorOptions(pace=0.02, progress_steps=0, api_key="key"))

    def message(words: str) -> SlackMessage | None:
        return next((one for one in slack.workspace.messages.values() if words in str(one.blocks)), None)

    async with serve(vendor.app) as at_vendor, serve(slack.app) as at_slack:
        toml = JOURNEY.replace("{vendor}", at_vendor).replace("{more}", "") + SINKS.replace("{slack}", at_slack)
        async with serving(tmp_path, toml) as server:
            order = {"source": "journey", "action": "imagine", "params": {"prompt": "a lighthouse"}}
            await server.api("/jobs", order)
            await until(lambda: message("Which tile") is not None and server.calm(), "the question is in the channel")
            await server.kill9()
            later_ms = DAY_MS
            await server.start(program=[sys.executable, "-c", A_DAY_ON])
            await slack.sockets.until_connected(2)
            question = message("Which tile")
            assert question is not None
            assert [one["action_id"] for one in buttons_of(question)][:4] == ["U1", "U2", "U3", "U4"]
            assert await slack.clicks.click(question.ts, "U2", ADA, at_slack) == ""
            await until(lambda: message("upscale 2x of journey is in the archive") is not None, "the HD is archived")
            await until(server.calm, "nothing is on its way")
            archived = message("is in the archive")
            assert archived is not None
            assert (archived.thread_ts, question.thread_ts) == (question.ts, None)
            assert message("U2, chosen by Ada") is question
            assert "Prompt: a lighthouse" in str(archived.blocks)
            assert [block["type"] for block in archived.blocks].count("image") == 1
            found = (await server.api("/jobs"))["items"]
            assert found[0]["images"][0]["archive"]["sink"] == "pictures"
            jobs = [(job["action"], job["status"], job["decided_by"]) for job in found]
            assert jobs == [
                ("upscale", "completed", None),
                ("pick", "completed", f"slack:{ADA.id} Ada"),
                ("imagine", "completed", None),
            ]
    assert len(vendor.bills) == 3
    assert slack.workspace.mistakes == []
