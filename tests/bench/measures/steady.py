"""Latency at half of the highest rate: requests come by the clock, whether or not those before are answered."""

from __future__ import annotations

import shutil

import msgspec

from bench.contestants.contestant import Contestant
from bench.load.generators import aimed, drive
from bench.load.histogram import Latency
from bench.machine.servers import serving
from bench.measures.contest import WARMING, Plan


class Steady(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant at a steady rate."""

    name: str
    #: Requests a second that were sent.
    rate: float
    acknowledged: int
    errors: int
    #: From the moment a request was due to its answer.
    latency: Latency
    #: p99 as a multiple of p50.
    tail: float
    #: Longest time in which no answer came at all, milliseconds.
    pause_ms: float
    #: How late the load generator itself was at worst, milliseconds; a pause of that size may be its own.
    late_ms: float


def steady(contestant: Contestant, plan: Plan, rate: float) -> Steady:
    """Sends to one contestant at this rate for a round's time and returns its latency. Raises BenchError."""
    folder = plan.folder / "steady"
    try:
        with serving(contestant, folder, plan.cores.server) as server:
            drive(aimed(contestant, server, WARMING, plan.connections), plan.cores.load, folder)
            load = aimed(contestant, server, plan.seconds, plan.connections)
            answers = drive(msgspec.structs.replace(load, rate=rate), plan.cores.load, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    latency = answers.histogram().latency()
    return Steady(
        name=contestant.name,
        rate=rate,
        acknowledged=answers.acknowledged,
        errors=answers.errors,
        latency=latency,
        tail=latency.p99 / latency.p50 if latency.p50 else 0.0,
        pause_ms=answers.silence_ms,
        late_ms=answers.late_ms,
    )
