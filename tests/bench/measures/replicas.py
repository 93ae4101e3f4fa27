"""Replicas: gridhooks on one PostgreSQL under load, while one is stopped, one is killed and the database crashes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from bench.progress import Say
from support.postgres import running_server
from support.replica_load import ReplicaPlan
from support.replicas import ReplicaOutcome, replicas_on

#: Webhooks a second: the load is to outlast all that happens, and two cores carry database, vendor and sink too.
PER_SECOND: Final = 250
#: A database that would keep what it acknowledged if the machine itself went down.
DURABLE: Final = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on"}


def replicas(folder: Path, events: int, say: Say) -> ReplicaOutcome:
    """Takes so many webhooks in, and returns what became of them. `folder` is for configurations and logs."""
    return asyncio.run(_replicas(folder, events, say))


async def _replicas(folder: Path, events: int, say: Say) -> ReplicaOutcome:
    plan = ReplicaPlan(events=events, lasts_s=max(13.0, events / PER_SECOND))
    place = folder / "replicas"
    place.mkdir()
    with running_server(**DURABLE) as server:
        async with replicas_on(server, server.address(), place, plan) as (run, vendor, sink):
            say(f"{plan.replicas} replicas take {events:,} webhooks: one is stopped, one killed, the database crashes")
            await run.happen()
            return await run.outcome(vendor, sink)
