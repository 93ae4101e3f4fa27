"""Several gridhooks on one PostgreSQL under load, and what happens to them: one is stopped past its leases, one is
killed, and the database crashes. What must hold is counted afterwards.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg

from receiver.lib import ids
from receiver.pretend.loopback import serve
from receiver.pretend.vendor import PretendVendor
from support.picks import parents, task_id, vendor_knowing
from support.postgres import ServerOfTests
from support.replica_load import ORDER_EVERY, ReplicaPlan, ToldEvents, WebhookLoad
from support.server import AUTO_HD, JOURNEY, Server, free_port

CONFIG: Final = """
public_url = "{url}"
database = "{database}"

[server]
admin_token = "env:ADMIN_TOKEN"
"""
MORE: Final = """
concurrency = 40
budget = {{ credits = {credits}, per = "day" }}
poll = {{ after = "5s", every = "2s" }}
"""
SINK: Final = """
[sinks.backend]
handler = "webhook"
url = "{sink}/hooks"
secret = "whsec_a2lsbGVkLWJ1dC1ub3RoaW5nLWlzLWxvc3QtMDE="
retry = ["200ms", "200ms", "200ms", "1s", "1s"]

[[rules]]
when = {{ type = "job.completed" }}
to = ["backend"]
"""
#: What an enlargement costs, credits.
PRICE: Final = 2
#: The budget is enough for such a share of all orders.
AFFORDED: Final = 0.75
#: How long what is on its way may take to arrive in the end, seconds.
CALM_WITHIN_S: Final = 120.0
CALM: Final = """
    SELECT (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'running'))
        + (SELECT count(*) FROM jobs
            WHERE parent IS NOT NULL AND status IN ('planned', 'submitting', 'queued', 'running'))
"""
KEPT: Final = """
    SELECT jobs.provider_job_id FROM jobs JOIN events ON events.job = jobs.number AND events.type = 'job.completed'
    JOIN deliveries ON deliveries.event = events.number
    JOIN requests ON requests.number = events.request
"""


class ReplicaOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all that was acknowledged."""

    acknowledged: int
    #: Acknowledged, but the job, its event, its delivery or its request is not there.
    missing: int
    #: Events that the sink was told, that it was told more than once, and that it was never told.
    told: int
    told_again: int
    untold: int
    #: Ids that the sink was told of and that no event has.
    unknown: int
    orders: int
    ordered_twice: int
    unsure: int
    held: int
    #: Credits
    budget: int
    spent: int
    #: From the moment that the database took connections again to the first webhook that was kept, seconds.
    back_s: float
    #: The longest time in which no webhook was kept, seconds.
    longest_gap_s: float
    took_s: float


class ReplicaRun:
    """Replicas on a server, with vendor and sink."""

    def __init__(self, database: ServerOfTests, address: str, plan: ReplicaPlan, replicas: list[Server]) -> None:
        self.database = database
        self.address = address
        self.plan = plan
        self.replicas = replicas
        self.load = WebhookLoad(replicas, plan)
        #: When the database took connections again, seconds since the load began.
        self.database_back_at = 0.0

    async def happen(self) -> None:
        """All that is planned, under load, and then what is left to be done."""
        async with asyncio.TaskGroup() as all_at_once:
            all_at_once.create_task(self.load.run())
            all_at_once.create_task(self._stop(self.replicas[-1]))
            all_at_once.create_task(self._kill(self.replicas[0]))
            all_at_once.create_task(self._crash())
        await self._calm()

    async def _at(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds - self.load.now()))

    async def _stop(self, replica: Server) -> None:
        await self._at(self.plan.stopped_at_s)
        replica.send(signal.SIGSTOP)
        await asyncio.sleep(self.plan.stopped_for_s)
        replica.send(signal.SIGCONT)

    async def _kill(self, replica: Server) -> None:
        await self._at(self.plan.killed_at_s)
        await replica.kill9()
        await asyncio.sleep(1)
        await replica.start()

    async def _crash(self) -> None:
        await self._at(self.plan.crashed_at_s)
        await asyncio.to_thread(self.database.stop, lambda process: process.send_signal(signal.SIGQUIT))
        await asyncio.to_thread(self.database.start)
        self.database_back_at = self.load.now()

    async def _calm(self) -> None:
        ends = time.monotonic() + CALM_WITHIN_S
        while (left := (await self.rows(CALM))[0][0]) > 0:
            assert time.monotonic() < ends, f"{left} deliveries and orders are still on their way"
            await asyncio.sleep(0.1)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        async with await psycopg.AsyncConnection.connect(self.address) as db:
            return await (await db.execute(sql.encode())).fetchall()

    async def outcome(self, vendor: PretendVendor, sink: ToldEvents) -> ReplicaOutcome:
        """What there is in the end."""
        kept = {task for (task,) in await self.rows(KEPT)}
        completed = await self.rows("SELECT number FROM events WHERE type = 'job.completed'")
        events = {ids.show("evt", number) for (number,) in completed}
        held = dict(await self.rows("SELECT status, count(*) FROM jobs WHERE parent IS NOT NULL GROUP BY status"))
        ordered = Counter(parents(vendor))
        moments = sorted(self.load.kept_at)
        return ReplicaOutcome(
            acknowledged=len(self.load.acknowledged),
            missing=len(self.load.acknowledged - kept),
            told=len(events & sink.times.keys()),
            told_again=sum(1 for times in sink.times.values() if times > 1),
            untold=len(events - sink.times.keys()),
            unknown=len(sink.times.keys() - events),
            orders=len(ordered),
            ordered_twice=sum(1 for times in ordered.values() if times > 1),
            unsure=held.get("unsure", 0),
            held=held.get("held", 0),
            budget=budget(self.plan),
            spent=sum(ordered.values()) * PRICE,
            back_s=min((at for at in moments if at >= self.database_back_at), default=0.0) - self.database_back_at,
            longest_gap_s=max((after - before for before, after in pairwise(moments)), default=0.0),
            took_s=moments[-1],
        )


def budget(plan: ReplicaPlan) -> int:
    """Credits: for some of the orders."""
    return int(plan.events / ORDER_EVERY * AFFORDED) * PRICE


@asynccontextmanager
async def replicas_on(
    database: ServerOfTests, address: str, folder: Path, plan: ReplicaPlan
) -> AsyncIterator[tuple[ReplicaRun, PretendVendor, ToldEvents]]:
    """The replicas, started; none is left at the end, and a failure shows the ends of their logs."""
    sink = ToldEvents()
    vendor = vendor_knowing(
        *(task_id(number) for number in range(0, plan.events, ORDER_EVERY)), order_delay=0.05, retry=(0.3,) * 400
    )
    async with AsyncExitStack() as stack:
        at_vendor = await stack.enter_async_context(serve(vendor.app))
        at_sink = await stack.enter_async_context(serve(sink.app))
        replicas = []
        for number in range(plan.replicas):
            place = folder / f"replica-{number}"
            place.mkdir()
            replicas.append(Server(place, free_port(), {}))
            stack.push_async_callback(replicas[-1].close)
        more = MORE.format(credits=budget(plan))
        for replica in replicas:
            (replica.folder / "gridhook.toml").write_text(
                CONFIG.format(url=replicas[1].url, database=address)
                + JOURNEY.format(vendor=at_vendor, more=more)
                + SINK.format(sink=at_sink)
                + AUTO_HD
            )
        try:
            await asyncio.gather(*(replica.start() for replica in replicas))
            yield ReplicaRun(database, address, plan, replicas), vendor, sink
        except BaseException as wrong:
            for replica in replicas:
                wrong.add_note(f"--- {replica.folder.name}:\n{replica.log.read_text(errors='replace')[-3000:]}")
            raise
