from __future__ import annotations

import asyncio
from pathlib import Path

from receiver.pretend.loopback import serve
from receiver.pretend.receivers.post_collector import PostCollector
from support.picks import parents, pick, task_id, vendor_knowing
from support.server import AUTO_HD, JOURNEY, Server, serving, until

REPEATS = 100
TELL_PICKS = """
[sinks.team]
handler = "slack"
url = "{sink}/slack"

[[rules]]
when = {{ type = "job.completed", action = "pick" }}
to = ["team"]
"""


async def test_a_hundred_repeats_before_and_after_a_restart_are_one_event_one_order_and_one_message(
    tmp_path: Path,
) -> None:
    task = task_id(7)
    vendor, slack = vendor_knowing(task), PostCollector()
    async with serve(vendor.app) as at_vendor, serve(slack.app) as at_slack:
        toml = JOURNEY.format(vendor=at_vendor, more="") + TELL_PICKS.format(sink=at_slack) + AUTO_HD
        async with serving(tmp_path, toml) as server:
            first = await repeat(server, pick(task))
            await until(server.calm, "the order and the message are out")
            await vendor.settled()
            await server.restart()
            second = await repeat(server, pick(task))
            await until(server.calm, "nothing is on its way")
            await vendor.settled()
            events = server.rows(
                "SELECT type FROM events JOIN jobs ON jobs.number = job WHERE provider_job_id = ?", task
            )
            jobs = server.rows("SELECT action, status FROM jobs ORDER BY number")
            requests = server.rows("SELECT count(*) FROM requests WHERE source = 'journey' AND ref_job IS NULL")
    assert sorted(first) == [(0, True)] * (REPEATS - 1) + [(1, False)]
    assert second == [(0, True)] * REPEATS
    assert events == [("job.completed",)]
    assert parents(vendor) == [task]
    assert jobs == [("pick", "completed"), ("upscale", "completed")]
    assert len(slack.posts) == 1
    assert requests == [(2 * REPEATS,)]


async def repeat(server: Server, body: bytes) -> list[tuple[int, bool]]:
    """Posts the same webhook many times at once; gives what each was answered: events, duplicate."""
    answers = await asyncio.gather(*(server.post("/in/journey", body) for _ in range(REPEATS)))
    assert {answer.status_code for answer in answers} == {200}
    return [(said["events"], said["duplicate"]) for said in (answer.json() for answer in answers)]
