"""Capacity: what one event costs on PostgreSQL, in rows, bytes, log and processor time.

Run by itself, from `tests`: `python -m bench.measures.capacity 5000 2>/dev/null`. It starts a PostgreSQL of its own, in
its defaults, in the temporary folder, takes so many webhooks in (each a finished grid, with two deliveries and no
follow-up), delivers them, and ends it. The chapter `capacity` of the manual computes with what it prints.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg

from bench.load.payload import PLACE, SECRET, body, task_id
from receiver.app import read_config, runtime
from receiver.cli.screen import emit
from receiver.composition import Runtime
from receiver.flows import intake
from receiver.lib import logs
from receiver.model.requests import Request
from support.postgres import running_server

#: Webhooks that wait for an answer at the same moment.
IN_FLIGHT: Final = 64
TABLES: Final = ("requests", "jobs", "events", "deliveries", "attempts")
CONFIG: Final = """
database = "{address}"
[sources.journey]
provider = "journeyapi"
api_key  = "not-a-key"
secrets  = ["{secret}"]
webhooks = false
[sinks.one]
handler = "log"
[sinks.two]
handler = "log"
[[rules]]
when = {{ type = "job.completed" }}
to   = ["one", "two"]
"""
#: Settings of PostgreSQL that a server has by itself, and that one of tests is started without.
DEFAULTS: Final = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "128MB"}


class EventCost(msgspec.Struct, frozen=True, kw_only=True):
    """What an event costs, on average over all."""

    events: int
    rows: float
    #: Of tables and indexes, bytes: all together, and those of the request as it came in.
    bytes: float
    request_bytes: float
    #: What PostgreSQL writes ahead.
    wal_bytes: float
    #: Processor time, microseconds: to keep it, and to deliver it twice.
    taken_gridhook_us: float
    taken_postgres_us: float
    delivered_gridhook_us: float
    delivered_postgres_us: float


class Spent(msgspec.Struct):
    """What was spent between two moments: processor time in seconds, and bytes written ahead."""

    gridhook_s: float = 0
    postgres_s: float = 0
    wal_bytes: int = 0


@contextmanager
def spending(connection: psycopg.Connection[Any], server: int) -> Iterator[Spent]:
    """What is spent while the context lasts, by this process and by the server of that number."""
    spent = Spent()
    before = (_own_s(), _server_s(server), _written(connection))
    yield spent
    spent.gridhook_s = _own_s() - before[0]
    spent.postgres_s = _server_s(server) - before[1]
    spent.wal_bytes = _written(connection) - before[2]


async def measure(events: int) -> EventCost:
    """Takes in and delivers so many events."""
    with tempfile.TemporaryDirectory() as folder, running_server(**DEFAULTS) as server:
        assert server.process is not None
        file = Path(folder) / "gridhook.toml"
        file.write_text(CONFIG.format(address=server.address(), secret=SECRET))
        config = read_config(file, {})
        with psycopg.connect(server.address(), autocommit=True) as connection:
            async with runtime(config, None) as running:
                await take(running, IN_FLIGHT, 0)
                before = _sizes(connection)
                with spending(connection, server.process.pid) as taken:
                    await take(running, events, IN_FLIGHT)
            with spending(connection, server.process.pid) as delivered:
                async with runtime(config, "all") as running:
                    watch = running.store.watch()
                    while await running.store.read(lambda tx: any(tx.counts().deliveries.values())):
                        await watch.wait(1)
                    watch.close()
            after = _sizes(connection)
    rows, size = (sum(one[place] for one in after.values()) for place in (0, 1))
    rows_before, size_before = (sum(one[place] for one in before.values()) for place in (0, 1))
    return EventCost(
        events=events,
        rows=(rows - rows_before) / events,
        bytes=(size - size_before) / events,
        request_bytes=(after["requests"][1] - before["requests"][1]) / events,
        wal_bytes=(taken.wal_bytes + delivered.wal_bytes) / events,
        taken_gridhook_us=taken.gridhook_s / events * 1e6,
        taken_postgres_us=taken.postgres_s / events * 1e6,
        delivered_gridhook_us=delivered.gridhook_s / events * 1e6,
        delivered_postgres_us=delivered.postgres_s / events * 1e6,
    )


async def take(running: Runtime, count: int, first: int) -> None:
    """Takes so many webhooks in, some of them at once."""
    source, text = running.setup.sources["journey"], body()
    numbers = iter(range(first, first + count))

    async def one_after_another() -> None:
        for number in numbers:
            filled = text.replace(PLACE.encode(), task_id("cafecafe", number).encode())
            request = Request(
                source="journey",
                headers={"x-webhook-secret": SECRET, "content-type": "application/json"},
                body=filled,
                path_token=None,
                received_at=running.clock(),
            )
            await intake.receive(request, source, running.store, running.setup)

    await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))


def _sizes(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
    """Rows and bytes of each table, its indexes included."""
    connection.execute("VACUUM")
    return {
        table: connection.execute(
            f"SELECT (SELECT count(*) FROM {table}), pg_total_relation_size('{table}')".encode()  # noqa: S608
        ).fetchone()
        or (0, 0)
        for table in TABLES
    }


def _written(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
    return int(row[0]) if row is not None else 0


def _own_s() -> float:
    return sum(os.times()[:2])


def _server_s(server: int) -> float:
    """Processor time of a server with all its processes, those that have ended included."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            values = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        # The fields behind the name, from the third on: the parent is the 4th, the times are the 14th to the 17th.
        if int(folder.name) == server:
            total += sum(int(value) for value in values[11:15])
        elif int(values[1]) == server:
            total += sum(int(value) for value in values[11:13])
    return total / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    logs.configure("error")
    emit(asyncio.run(measure(int(sys.argv[1]))))
