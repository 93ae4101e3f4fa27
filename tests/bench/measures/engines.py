"""PostgreSQL beside SQLite: the store alone, and a whole server, in turn on the same machine."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.contestants import gridhook
from bench.contestants.contestant import Command
from bench.load.generators import aimed, drive
from bench.load.payload import PLACE, body, task_id
from bench.machine.delaying_proxy import delayed
from bench.machine.servers import serving
from bench.measures.contest import WARMING, Plan
from bench.progress import Say
from receiver.contracts import Database, Request, Transaction
from receiver.contracts.options import NoOptions
from receiver.contracts.providers import Source
from receiver.contracts.setup import Setup
from receiver.flows import intake
from receiver.lib.signatures import Secret
from receiver.lib.times import system_clock
from receiver.model.rules import Rule
from receiver.providers.journeyapi import JourneyAPI
from receiver.store.opening import database_at

#: How much later each direction of the slower network is, ms: 0.5 ms there and back.
DELAY_MS: Final = 0.25
#: Webhooks that wait for the store at once.
IN_FLIGHT: Final = (64, 256)
SQLITE: Final = "SQLite"
SETUP: Final = Setup(
    sources={
        "journey": Source(
            name="journey",
            provider=JourneyAPI(NoOptions()),
            base_url="http://127.0.0.1:9",
            api_key=Secret("bench-key"),
            secrets=(Secret("bench"),),
        )
    },
    rules=(Rule(name="tell", when={"type": ["job.completed", "job.failed"]}, to=("first", "second")),),
    sinks=frozenset({"first", "second"}),
)


class EngineRate(msgspec.Struct, frozen=True, kw_only=True):
    """One engine at one task."""

    #: "store, 64 in flight" or "HTTP".
    task: str
    engine: str
    #: Webhooks a second, each round.
    rates: tuple[float, ...]
    #: Times SQLite's rate, both medians.
    ratio: float
    #: Processor time of gridhook for one webhook, microseconds; the database's own is not in it.
    cpu_us: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One engine, once."""

    rate: float
    cpu_us: float


Measure = Callable[[str], Measured]


def engines(plan: Plan, address: str, say: Say) -> list[EngineRate]:
    """Measures SQLite, the PostgreSQL at an address, and the same through a slower network, in turn.

    Raises BenchError.
    """
    found: list[EngineRate] = []
    tasks: list[tuple[str, Measure]] = [
        (f"store, {count} in flight", partial(_store_alone, plan, count)) for count in IN_FLIGHT
    ]
    tasks.append(("HTTP", partial(_over_http, plan)))
    for task, measure in tasks:
        rows = _in_turn(task, measure, plan, address)
        for row in rows:
            say(f"{task}, {row.engine}: {median(row.rates):,.0f}/s, {row.ratio:.2f} times SQLite")
        found += rows
    return found


def _in_turn(task: str, measure: Measure, plan: Plan, address: str) -> list[EngineRate]:
    with delayed(address, DELAY_MS) as slower:
        there = {SQLITE: "", "PostgreSQL": address, f"PostgreSQL, {2 * DELAY_MS:g} ms away": slower}
        rounds = [{engine: measure(where) for engine, where in there.items()} for _ in range(plan.rounds)]
    of_sqlite = median(one[SQLITE].rate for one in rounds)
    return [
        EngineRate(
            task=task,
            engine=engine,
            rates=tuple(one[engine].rate for one in rounds),
            ratio=median(one[engine].rate for one in rounds) / of_sqlite,
            cpu_us=median(one[engine].cpu_us for one in rounds),
        )
        for engine in there
    ]


@contextmanager
def _in_folder(plan: Plan) -> Iterator[Path]:
    folder = plan.folder / "engines"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _store_alone(plan: Plan, in_flight: int, address: str) -> Measured:
    """Webhooks that were read already, kept by a store in this process."""
    with _in_folder(plan) as folder:
        return asyncio.run(_kept(address or f"sqlite:///{folder / gridhook.DATABASE}", in_flight, plan.seconds))


async def _kept(address: str, in_flight: int, seconds: float) -> Measured:
    prefix, text = secrets.token_hex(4), body()
    count = 0

    async def post(store: Database, ends: float) -> None:
        nonlocal count
        while time.monotonic() < ends:
            count += 1
            of_this = text.replace(PLACE.encode(), task_id(prefix, count).encode())
            request = Request(source="journey", headers={}, body=of_this, received_at=system_clock())
            verified = intake.Verification(proof="secret")
            arrival = intake.read(request, verified, SETUP.sources["journey"])

            def work(tx: Transaction, arrival: intake.ReadRequest = arrival) -> intake.IntakeResult:
                return intake.take(tx, SETUP, arrival)

            await store.write(work)

    async with database_at(address, system_clock) as store:
        await asyncio.gather(*(post(store, time.monotonic() + WARMING) for _ in range(in_flight)))
        count, cpu, began = 0, time.process_time(), time.monotonic()
        prefix = secrets.token_hex(4)
        await asyncio.gather(*(post(store, began + seconds) for _ in range(in_flight)))
        took, used = time.monotonic() - began, time.process_time() - cpu
    return Measured(rate=count / took, cpu_us=used * 1e6 / count)


def _over_http(plan: Plan, address: str) -> Measured:
    """A server with the role `intake` under load."""

    def prepare(folder: Path, port: int) -> Command:
        text = gridhook.configuration(port)
        if address:
            text = text.replace(f'"sqlite:///{gridhook.DATABASE}"', f'"{address}"')
        return gridhook.start(folder, port, text, "intake")

    contestant = msgspec.structs.replace(gridhook.GRIDHOOK, prepare=prepare)
    with _in_folder(plan) as folder, serving(contestant, folder, plan.cores.server) as server:
        drive(aimed(contestant, server, WARMING, plan.connections), plan.cores.load, folder)
        before = server.usage()
        answers = drive(aimed(contestant, server, plan.seconds, plan.connections), plan.cores.load, folder)
        used = server.usage().since(before).cpu
    return Measured(rate=answers.rate, cpu_us=used * 1e6 / max(1, answers.acknowledged))
