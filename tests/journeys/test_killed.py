from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx
import pytest

from receiver.lib import ids
from receiver.pretend.loopback import serve
from receiver.pretend.receivers.post_collector import PostCollector
from receiver.pretend.vendor import PretendVendor
from support.kills import TIMES
from support.picks import parents, pick, task_id, vendor_knowing
from support.server import AUTO_HD, HOOK_SECRET, JOURNEY, Server, read, serving, until

WEBHOOKS = 240 * TIMES
CLIENTS = 32
KILLS = 4 * TIMES
SINK = """
[sinks.backend]
handler = "webhook"
url = "{sink}/hooks"
secret = "whsec_a2lsbGVkLWJ1dC1ub3RoaW5nLWlzLWxvc3QtMDE="
retry = ["200ms", "200ms", "200ms"]

[[rules]]
when = {{ type = "job.completed", action = "pick" }}
to = ["backend"]
"""
#: Every pick of which all is kept: request, event, its delivery, follow-up and the follow-up's order.
WHOLE = """
    SELECT pick.provider_job_id FROM jobs AS pick
    JOIN events ON events.job = pick.number AND events.type = 'job.completed'
    JOIN requests ON requests.number = events.request
    JOIN deliveries AS telling ON telling.event = events.number
    JOIN jobs AS upscale ON upscale.parent = pick.number AND upscale.action = 'upscale'
    JOIN deliveries AS ordering ON ordering.job = upscale.number AND ordering.event IS NULL
    WHERE pick.action = 'pick'
"""
FATES = "SELECT pick.provider_job_id, jobs.status FROM jobs JOIN jobs AS pick ON pick.number = jobs.parent"
INTERRUPTED = f"{FATES} WHERE jobs.status = 'submitting'"
TRIES = """
    SELECT attempts.outcome FROM jobs AS pick JOIN jobs ON jobs.parent = pick.number
    JOIN deliveries ON deliveries.job = jobs.number AND deliveries.event IS NULL
    JOIN attempts ON attempts.delivery = deliveries.number
    WHERE pick.provider_job_id = ?
"""
PICKS_TOLD = """
    SELECT events.number FROM events JOIN jobs ON jobs.number = events.job
    WHERE jobs.action = 'pick' AND events.type = 'job.completed'
"""


class Load:
    """Clients that post picks until a server is gone or all are taken; what got no 200 is posted again later."""

    def __init__(self, tasks: Iterable[str]) -> None:
        self._waiting = deque(tasks)
        #: Task to the id of the request that its 200 named.
        self.taken: dict[str, str] = {}

    async def run(self, server: Server, kill_at: int | None = None) -> None:
        """Posts from all clients at once; with `kill_at`, kills the server when so many are taken in all."""
        enough = asyncio.Event()
        limits = httpx.Limits(max_connections=CLIENTS)
        headers = {"x-webhook-secret": HOOK_SECRET}
        async with httpx.AsyncClient(base_url=server.url, limits=limits, headers=headers, timeout=30) as client:
            clients = [asyncio.create_task(self._post(client, enough, kill_at)) for _ in range(CLIENTS)]
            if kill_at is not None:
                await enough.wait()
                await server.kill9()
            await asyncio.gather(*clients)

    async def _post(self, client: httpx.AsyncClient, enough: asyncio.Event, kill_at: int | None) -> None:
        while self._waiting:
            task = self._waiting.popleft()
            try:
                answer = await client.post("/in/journey", content=pick(task))
            except httpx.HTTPError:
                self._waiting.append(task)
                return
            assert answer.status_code == 200, answer.text
            self.taken[task] = answer.json()["request"]
            if kill_at is not None and len(self.taken) >= kill_at:
                enough.set()


@pytest.mark.timeout(300 * TIMES)
async def test_an_acknowledged_webhook_survives_kill_nine(tmp_path: Path) -> None:
    dice = random.Random(20_261_121)  # noqa: S311 - chooses moments, guards nothing
    tasks = [task_id(number) for number in range(WEBHOOKS)]
    # The vendor tells of a result late enough for an order to be sent again before, if anything did that.
    vendor = vendor_knowing(*tasks, order_delay=0.05, pace=0.5, retry=(1.0,) * 60)
    sink, load = PostCollector(), Load(tasks)
    interrupted: set[str] = set()
    async with serve(vendor.app) as at_vendor, serve(sink.app) as at_sink:
        toml = JOURNEY.format(vendor=at_vendor, more="concurrency = 80") + SINK.format(sink=at_sink) + AUTO_HD
        async with serving(tmp_path, toml) as server:
            for kill in range(KILLS):
                await load.run(server, len(load.taken) + dice.randint(10, 50))
                left = server.snapshot(tmp_path / f"killed-{kill}")
                must_hold(left, load.taken)
                interrupted |= dict(read(left, INTERRUPTED)).keys()
                await server.start()
            await load.run(server)
            await until(server.calm, "nothing is on its way")
            # What was billed becomes completed, since the vendor tells until it is heard; all other orders stay unsure.
            await until(lambda: fates(server) == by_bills(tasks, vendor), "every order's fate is what the bills say")
            must_hold(server.database, load.taken)
            unsure = {task for task, status in fates(server).items() if status == "unsure"}
            tries = {task: server.rows(TRIES, task) for task in interrupted}
            events = {ids.show("evt", number) for (number,) in server.rows(PICKS_TOLD)}
    assert set(load.taken) == set(tasks)
    assert max(Counter(parents(vendor)).values()) == 1
    assert interrupted, "no kill came while an order was under way"
    assert unsure <= interrupted
    assert {outcomes[-1] for outcomes in tries.values()} == {("unsure",)}, "an interrupted order is never sent again"
    assert {letter.headers["webhook-id"] for letter in sink.posts} == events


def must_hold(database: Path, taken: Mapping[str, str]) -> None:
    """The file is sound, and of every acknowledged webhook the request is there and all that follows from it."""
    assert read(database, "PRAGMA integrity_check") == [("ok",)]
    requests = {ids.show("req", number) for (number,) in read(database, "SELECT number FROM requests")}
    assert set(taken.values()) <= requests
    assert set(taken) <= {task for (task,) in read(database, WHOLE)}


def fates(server: Server) -> dict[str, str]:
    """Task of each pick to the status of its follow-up."""
    return dict(server.rows(FATES))


def by_bills(tasks: Iterable[str], vendor: PretendVendor) -> dict[str, str]:
    """What each follow-up's status must come to: completed if it was billed, else unsure."""
    billed = set(parents(vendor))
    return {task: "completed" if task in billed else "unsure" for task in tasks}
