from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from receiver.lib import ids
from receiver.pretend.loopback import serve
from support.picks import parents, pick, task_id, vendor_knowing
from support.server import AUTO_HD, JOURNEY, Server, serving, until

WEBHOOKS = 20
#: Requests that were not the pretend vendor's, which posts on refs.
FROM_ELSEWHERE = "SELECT number FROM requests WHERE ref_job IS NULL"


@contextmanager
def full_disk(pid: int, size: int = 0) -> Iterator[None]:
    """No file of this process may be written beyond `size` bytes; with 0 its own log cannot be written either."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_a_503_that_passes_by_itself(tmp_path: Path) -> None:
    tasks = [task_id(number) for number in range(WEBHOOKS)]
    vendor = vendor_knowing(*tasks)
    async with (
        serve(vendor.app) as at_vendor,
        serving(tmp_path, JOURNEY.format(vendor=at_vendor, more="") + AUTO_HD) as server,
    ):
        before = await post_all(server, tasks[:5])
        await until(server.calm, "the first orders are out")
        await vendor.settled()
        pid = server.pid
        with full_disk(pid):
            refused = await post_all(server, tasks)
            unready = await server.ready(503)
            alive = await server.client.get("/healthz")
        await server.ready()
        after = await post_all(server, tasks)
        await until(server.calm, "all orders are out")
        await vendor.settled()
        assert server.pid == pid
        kept = {ids.show("req", number) for (number,) in server.rows(FROM_ELSEWHERE)}
        jobs = server.rows("SELECT action, status, count(*) FROM jobs GROUP BY 1, 2 ORDER BY 1")
        assert server.rows("PRAGMA integrity_check") == [("ok",)]
    for answer in (*refused, unready):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unavailable"
    assert alive.status_code == 200
    assert {answer.status_code for answer in (*before, *after)} == {200}
    assert [answer.json()["duplicate"] for answer in after] == [True] * 5 + [False] * (WEBHOOKS - 5)
    assert kept == {answer.json()["request"] for answer in (*before, *after)}
    assert jobs == [("pick", "completed", WEBHOOKS), ("upscale", "completed", WEBHOOKS)]
    assert sorted(parents(vendor)) == sorted(tasks)


async def test_an_order_that_is_answered_while_the_disk_is_full_is_sent_once(tmp_path: Path) -> None:
    task = task_id(1)
    vendor = vendor_knowing(task, order_delay=0.5, lose=True)
    async with (
        serve(vendor.app) as at_vendor,
        serving(tmp_path, JOURNEY.format(vendor=at_vendor, more="") + AUTO_HD) as server,
    ):
        assert (await server.post("/in/journey", pick(task))).status_code == 200
        await until(lambda: len(vendor.bills) == 1, "the vendor has the order")
        # Not one page of the database can be written any more; the log is shorter than a page and can.
        with full_disk(server.pid, 4000):
            await until(lambda: b"settle.waits" in server.log.read_bytes(), "the answer cannot be written down")
        await until(server.calm, "the answer is written down")
        order = server.rows("SELECT status, provider_job_id FROM jobs WHERE action = 'upscale'")
    assert order == [("queued", vendor.bills[0].order_id)]
    assert parents(vendor) == [task]


async def post_all(server: Server, tasks: list[str]) -> list[httpx.Response]:
    """Posts a pick for each task at once."""
    return await asyncio.gather(*(server.post("/in/journey", pick(task)) for task in tasks))
