"""Growth: what single steps cost with a small database and with a full one, in turn on two running servers."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.contestants import gridhook
from bench.contestants.contestant import Command
from bench.load.client import Client
from bench.load.far_ends import far_end
from bench.load.generators import aimed, drive
from bench.load.payload import (
    PLACE,
    SECRET,
    body,
    task_id,
)
from bench.machine.servers import (
    RunningServer,
    serving,
)
from bench.measures import past
from bench.measures.contest import Plan
from bench.progress import Say
from receiver.contracts import LaneLimits, Transaction
from receiver.lib.times import system_clock
from receiver.store.sqlite.store import SqliteStore

#: Deliveries of one claim.
CLAIMED: Final = 4
#: At most so many seconds of load at each turn.
LOADED: Final = 1.5
#: Events in the small database: more than a page of a list looks at.
FEW: Final = 10_000
API: Final = "/api/v1"
LISTS: Final = (
    "/jobs",
    "/jobs?status=failed",
    "/jobs?status=completed",
    "/jobs?source=journey",
    "/jobs?source=nobody",
    "/jobs?action=nothing",
    "/jobs?provider_job_id=nothing",
    "/jobs?tag.project=nothing",
    "/jobs?root_id=job_0000000000000",
    "/jobs?since=2020-01-01&until=2020-02-01",
    "/events",
    "/events?type=job.failed",
    "/events?status=failed",
    "/events?source=nobody",
    "/events?action=nothing",
    "/requests",
    "/requests?status=unmapped",
    "/requests?source=nobody",
    "/requests?action=nothing",
    "/requests?job_id=job_0000000000000",
    "/deliveries",
    "/deliveries?status=dead",
    "/deliveries?sink=nobody",
    "/deliveries?source=nobody",
    "/deliveries?type=job.failed",
    "/deliveries?status=done&action=nothing",
    "/costs",
)
PAGES: Final = (
    "/",
    "/?status=failed",
    "/?find=nothing",
    "/waiting",
    "/deliveries",
    "/requests",
    "/health",
    "/jobs",
)
HOOK_HEADERS: Final = {"content-type": "application/json", "x-webhook-secret": SECRET}
API_HEADERS: Final = {"authorization": f"Bearer {gridhook.ADMIN_TOKEN}"}


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """How often each step is taken; what is reported is the median."""

    webhooks: int = 200
    lists: int = 40
    claims: int = 40
    #: Turns under full load.
    turns: int = 3


#: What the figures of a report come from.
REPEATS: Final = Repeats()


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """One step, with the small and with the full database."""

    step: str
    #: Milliseconds; for "start" until it is ready.
    small_ms: float
    full_ms: float

    @property
    def ratio(self) -> float:
        """How many times as long it takes with the full one."""
        return self.full_ms / self.small_ms if self.small_ms else 0.0


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """All steps."""

    events: int
    #: Those of the small database.
    few: int
    #: Size of the full database for one event, bytes.
    bytes_per_event: float
    #: Resident memory of the server on the full database, MB.
    resident_mb: float
    steps: tuple[Grown, ...]


def growth(plan: Plan, count: int, say: Say, repeats: Repeats = REPEATS) -> Growth:
    """Returns what each step costs on a database of `count` events and on one of a few. Raises BenchError."""
    few = min(FEW, max(1, count // 10))
    small, full = plan.folder / "small", plan.folder / "full"
    try:
        fill(small, plan, few, say)
        fill(full, plan, count, say)
        size = (full / gridhook.DATABASE).stat().st_size
        say(f"the full database has {size / 1e6:,.0f} MB")
        with ExitStack() as stack:
            steps, servers = [], []
            for folder in (small, full):
                before = time.perf_counter()
                servers.append(stack.enter_context(serving(gridhook.GRIDHOOK, folder, plan.cores.server)))
                steps.append((time.perf_counter() - before) * 1000)
            grown = [
                Grown(step="start until ready", small_ms=steps[0], full_ms=steps[1]),
                *_steps(servers, plan, repeats),
            ]
            resident = servers[1].usage().resident / 1e6
            for server in servers:
                server.stop()
        grown.append(_claims(small, full, repeats.claims))
        return Growth(events=count, few=few, bytes_per_event=size / count, resident_mb=resident, steps=tuple(grown))
    finally:
        for folder in (small, full):
            shutil.rmtree(folder, ignore_errors=True)


def fill(folder: Path, plan: Plan, count: int, say: Say) -> None:
    """Lets a server take and pass on one real event in this folder, and copies what it wrote `count` times."""

    def prepare(where: Path, port: int) -> Command:
        return gridhook.start(where, port, gridhook.configuration(port, far=far.port), "all")

    prefix = secrets.token_hex(4)
    whole = msgspec.structs.replace(gridhook.GRIDHOOK, prepare=prepare)
    with far_end(prefix, plan.cores.load) as far, serving(whole, folder, plan.cores.server) as server:
        load = msgspec.structs.replace(aimed(whole, server, 5.0, 1), limit=1, prefix=prefix)
        far.arrived(drive(load, plan.cores.load, folder).acknowledged)
        server.stop()
    past.fill(folder / gridhook.DATABASE, past.stencil(folder / gridhook.DATABASE), count, say)


def _steps(servers: list[RunningServer], plan: Plan, repeats: Repeats) -> list[Grown]:
    with Client(servers[0].port) as small, Client(servers[1].port) as full:
        clients = (small, full)
        done = [
            _in_turn("webhook, new", clients, repeats.webhooks, _webhook),
            _in_turn("webhook, repeated", clients, repeats.webhooks, _webhook),
        ]
        done += [_in_turn(f"GET {path}", clients, repeats.lists, _getting(f"{API}{path}")) for path in LISTS]
        done += [_in_turn(f"page {path}", clients, repeats.lists, _getting(path)) for path in PAGES]
        jobs = {client: _first_job(client) for client in clients}
        for what, within in (("GET", API), ("page", "")):
            done.append(_in_turn(f"{what} /jobs/{{id}}", clients, repeats.lists, _getting_own(within, jobs)))
    return [*done, _loaded(servers, plan, repeats.turns)]


def _in_turn(step: str, clients: tuple[Client, Client], times: int, call: Callable[[Client, int], float]) -> Grown:
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(times):
        for client, list_ in zip(clients, took, strict=True):
            list_.append(call(client, number))
    return Grown(step=step, small_ms=median(took[0]), full_ms=median(took[1]))


def _webhook(client: Client, number: int) -> float:
    content = body().replace(PLACE.encode(), task_id("9e0f7a11", number).encode())
    return client.call("POST", "/in/journey", HOOK_HEADERS, content).took_ms


def _getting(path: str) -> Callable[[Client, int], float]:
    return lambda client, _: _get(client, path)


def _getting_own(within: str, jobs: Mapping[Client, str]) -> Callable[[Client, int], float]:
    return lambda client, _: _get(client, f"{within}/jobs/{jobs[client]}")


def _get(client: Client, path: str) -> float:
    return client.call("GET", path, API_HEADERS).took_ms


def _first_job(client: Client) -> str:
    listed = msgspec.json.decode(client.call("GET", f"{API}/jobs?limit=1", API_HEADERS).body)
    return str(listed["items"][0]["id"])


def _loaded(servers: list[RunningServer], plan: Plan, turns: int) -> Grown:
    """Returns the time for one webhook under full load: the inverse of the rate."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(turns):
        for server, list_ in zip(servers, took, strict=True):
            load = aimed(gridhook.GRIDHOOK, server, min(LOADED, plan.seconds), plan.connections)
            list_.append(1000 / max(1.0, drive(load, plan.cores.load, server.folder).rate))
    return Grown(step="webhook, under full load", small_ms=median(took[0]), full_ms=median(took[1]))


def _claims(small: Path, full: Path, times: int) -> Grown:
    return asyncio.run(_claimed(small / gridhook.DATABASE, full / gridhook.DATABASE, times))


async def _claimed(small: Path, full: Path, times: int) -> Grown:
    """Measured on the store itself, since a server's claims cannot be seen from outside."""
    took: tuple[list[float], list[float]] = ([], [])
    async with SqliteStore(small, system_clock) as first, SqliteStore(full, system_clock) as second:
        for _ in range(times):
            for store, list_ in zip((first, second), took, strict=True):
                before = time.perf_counter()
                await store.write(_claim)
                list_.append((time.perf_counter() - before) * 1000)
    return Grown(step=f"claim {CLAIMED} deliveries", small_ms=median(took[0]), full_ms=median(took[1]))


def _claim(tx: Transaction) -> None:
    now = system_clock()
    tx.claim([LaneLimits("sink:first", concurrency=1_000_000, at_once=CLAIMED, lease_until=now + 60_000)], now)
