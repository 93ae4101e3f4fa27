"""A healthy sink beside bad ones: what it and the webhooks' answers lose by a sink that hangs, fails or floods."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from bench.contestants import gridhook
from bench.contestants.contestant import python
from bench.errors import BenchError
from bench.load.bad_sink import BEHAVIOURS
from bench.load.payload import SINK_SECRET
from bench.machine.cores import on
from bench.measures.contest import Plan, Spread, spread
from bench.measures.drain import DrainCase, drain_once
from bench.measures.travel import travel_once
from bench.progress import Say
from support.certificates import make_authority

#: Webhooks a second while latencies are taken.
RATE: Final = 100.0
#: Messages in the backlog whose throughput is taken.
BACKLOG: Final = 2000
#: Who stands beside the healthy sink, in turn.
CASES: Final = ((), *((one,) for one in BEHAVIOURS), tuple(BEHAVIOURS))


class Neighbours(msgspec.Struct, frozen=True, kw_only=True):
    """A healthy sink with its neighbours, over all rounds."""

    #: How they behave, by name; none: it is alone.
    beside: tuple[str, ...]
    #: From a webhook's sending to its message at the healthy sink, milliseconds.
    p50_ms: Spread
    p95_ms: Spread
    #: Of the webhooks' own answers, milliseconds.
    answer_p50_ms: Spread
    answer_p95_ms: Spread
    #: Messages a second to the healthy sink out of a backlog.
    rate: Spread
    #: Processor time meanwhile, of one of those messages, microseconds: what the neighbours cost is in it.
    cpu_us: Spread
    #: Messages that did not arrive at it, and webhooks that were not answered with 200.
    missing: int


class _Round(msgspec.Struct, frozen=True, kw_only=True):
    p50_ms: float
    p95_ms: float
    answer_p50_ms: float
    answer_p95_ms: float
    rate: float
    cpu_us: float
    missing: int


def neighbours(
    plan: Plan, say: Say, cases: Sequence[tuple[str, ...]] = CASES, backlog: int = BACKLOG
) -> list[Neighbours]:
    """Measures each case in each round, in turn. Raises BenchError."""
    rounds: list[list[_Round]] = [[] for _ in cases]
    for _ in range(plan.rounds):
        for case, done in zip(cases, rounds, strict=True):
            done.append(_round(plan, case, backlog))
            say(f"beside {', '.join(case) or 'nobody'}: p50 {done[-1].p50_ms:.1f} ms, {done[-1].rate:,.0f}/s")
    return [
        Neighbours(
            beside=case,
            p50_ms=spread([one.p50_ms for one in done]),
            p95_ms=spread([one.p95_ms for one in done]),
            answer_p50_ms=spread([one.answer_p50_ms for one in done]),
            answer_p95_ms=spread([one.answer_p95_ms for one in done]),
            rate=spread([one.rate for one in done]),
            cpu_us=spread([one.cpu_us for one in done]),
            missing=sum(one.missing for one in done),
        )
        for case, done in zip(cases, rounds, strict=True)
    ]


def _round(plan: Plan, case: tuple[str, ...], backlog: int) -> _Round:
    folder = plan.folder / "neighbours"
    folder.mkdir()
    try:
        with _bad_sinks(plan) as port:
            more = _configuration(case, port)
            way = travel_once("message", RATE, plan, more)
            drained = drain_once(plan, DrainCase(more=more), folder, make_authority(folder), backlog)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _Round(
        p50_ms=way.latency.p50,
        p95_ms=way.latency.p95,
        answer_p50_ms=way.answer.p50,
        answer_p95_ms=way.answer.p95,
        rate=drained.rate,
        cpu_us=drained.cpu_us,
        missing=way.errors + way.acknowledged - way.arrived,
    )


def _configuration(case: Sequence[str], port: int) -> str:
    """The sinks beside the healthy one, each with the same events."""
    texts = [
        (gridhook.CHAT if name == "chat" else gridhook.SINK).format(name=name, far=port, secret=SINK_SECRET)
        for name in case
    ]
    return "".join(texts) + (gridhook.tell(case) if case else "")


@contextmanager
def _bad_sinks(plan: Plan) -> Iterator[int]:
    """The port of bad sinks in a process of their own."""
    command = python("-m", "bench.load.bad_sink")
    with on(plan.cores.load):
        process = subprocess.Popen(command.argv, env=command.environment(), stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise BenchError("the bad sinks do not start")
        yield int(line)
    finally:
        process.kill()
        process.communicate()
