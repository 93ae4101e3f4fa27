"""End to end: from a webhook's sending to its message at the sink, and to its follow-up order at the vendor."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from bench.contestants import gridhook
from bench.contestants.contestant import Command, Contestant
from bench.load.far_ends import far_end
from bench.load.generators import aimed, drive
from bench.load.histogram import Histogram, Latency
from bench.machine.servers import serving
from bench.measures.contest import Plan
from bench.progress import Say

#: Webhooks a second.
RATES: Final = (1, 50, 200, 1000, 2000)
#: At least so many webhooks, if they fit into `LONGEST`.
FEWEST: Final = 10
#: Seconds that one rate may take.
LONGEST: Final = 10.0
#: Orders at once: with as many as the contest's configuration allows, what cannot be sent in time piles up in memory
#: and holds the webhooks up; this way it waits on disk.
ORDERS_AT_ONCE: Final = 16

Way = Literal["message", "order"]


class Travel(msgspec.Struct, frozen=True, kw_only=True):
    """One way at one rate."""

    #: "message": a signed message at one sink; "order": a follow-up at the vendor.
    way: Way
    #: Webhooks a second.
    rate: float
    acknowledged: int
    #: Webhooks that were refused, or not answered in time.
    errors: int
    #: Different events that arrived; fewer than acknowledged means that the rest was still on its way.
    arrived: int
    #: Arrivals beside the first of each event.
    repeats: int
    #: Messages whose signature is right; orders are not signed.
    signed: int
    #: From the webhook's sending to the arrival, by one clock.
    latency: Latency
    #: Of the webhook's own answer.
    answer: Latency
    #: How late the load generator itself was at worst, milliseconds.
    late_ms: float


def travel(plan: Plan, say: Say, rates: Sequence[float] = RATES) -> list[Travel]:
    """Measures both ways at each rate. Raises BenchError."""
    done = []
    for way in ("message", "order"):
        for rate in rates:
            one = travel_once(way, rate, plan)
            done.append(one)
            say(f"{way} at {rate:g}/s: p50 {one.latency.p50:.1f} ms, p95 {one.latency.p95:.1f} ms")
    return done


def travel_once(way: Way, rate: float, plan: Plan, more: str = "") -> Travel:
    """Measures one way at one rate; `more` is the configuration of further sinks. Raises BenchError."""
    folder, prefix = plan.folder / "travel", secrets.token_hex(4)
    try:
        with far_end(prefix, plan.cores.load) as far:
            contestant = _contestant(way, far.port, more)
            with serving(contestant, folder, plan.cores.server) as server:
                seconds = min(LONGEST, max(plan.seconds, FEWEST / rate))
                load = aimed(contestant, server, seconds, plan.connections)
                load = msgspec.structs.replace(load, prefix=prefix, rate=rate, timed=True, picks=way == "order")
                answers = drive(load, plan.cores.load, folder)
                arrived = far.arrived(answers.acknowledged)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    took = Histogram()
    for number, moment in arrived.moments.items():
        took.add(int((moment - answers.sent_at[number]) * 1e6))
    return Travel(
        way=way,
        rate=rate,
        acknowledged=answers.acknowledged,
        errors=answers.errors,
        arrived=len(arrived.moments),
        repeats=arrived.repeats,
        signed=arrived.signed,
        latency=took.latency(),
        answer=answers.histogram().latency(),
        late_ms=answers.late_ms,
    )


def _contestant(way: Way, far: int, more: str) -> Contestant:
    """Returns gridhook with both its roles, and one sink or none."""

    def prepare(folder: Path, port: int) -> Command:
        sinks = ("first",) if way == "message" else ()
        text = gridhook.configuration(port, far=far, sinks=sinks, more=more)
        text = text.replace("concurrency = 1000", f"concurrency = {ORDERS_AT_ONCE}")
        return gridhook.start(folder, port, text, "all")

    return msgspec.structs.replace(gridhook.GRIDHOOK, prepare=prepare)
