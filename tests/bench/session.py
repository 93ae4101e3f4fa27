"""One run: the parts that were asked for, one after the other, into one record."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from bench.contestants.contestant import Contestant
from bench.contestants.entrants import OURS, entrants
from bench.contestants.gridhook import GRIDHOOK
from bench.errors import BenchError
from bench.load.generators import choose
from bench.machine.cores import two_cores
from bench.machine.facts import machine
from bench.machine.slow_disk import SlowDisk
from bench.measures.contest import (
    Plan,
    Row,
    contest,
)
from bench.measures.drain import drain
from bench.measures.durability import kill_each
from bench.measures.engines import engines
from bench.measures.growth import growth
from bench.measures.memory import memory
from bench.measures.neighbours import neighbours
from bench.measures.replicas import replicas
from bench.measures.retention import retention
from bench.measures.steady import steady
from bench.measures.travel import travel
from bench.progress import Say
from bench.report.figures import Figures, SlowContest


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be measured."""

    rounds: int = 3
    seconds: float = 3.0
    connections: int = 64
    load: Literal["auto", "wrk", "own"] = "auto"
    #: Contest, durability and steady latency.
    contest: bool = True
    #: Names; empty = all.
    only: tuple[str, ...] = ()
    #: The folder with the contestants beside gridhook and the no-ops.
    contestants: Path = OURS
    #: Where to keep the databases; None = where temporary files go.
    folder: Path | None = None
    #: Contests with so many milliseconds more for each sync.
    fsync_ms: tuple[float, ...] = ()
    dispatch: bool = False
    #: A healthy sink beside bad ones.
    neighbours: bool = False
    #: Events in the full database; None = not measured.
    growth: int | None = None
    #: Old events to prune under load; None = not measured.
    retention: int | None = None
    #: Webhooks that replicas on PostgreSQL take in while they are ill-treated; None = not measured.
    replicas: int | None = None
    #: Events to take in; None = not measured.
    memory: int | None = None
    #: The address of an empty database of PostgreSQL; None = not measured.
    postgres: str | None = None


def run(choices: Choices, say: Say) -> Figures:
    """Returns the figures. What it starts has ended when it returns or raises. Raises BenchError, OSError."""
    with tempfile.TemporaryDirectory(prefix="gridhook-bench-", dir=choices.folder, ignore_cleanup_errors=True) as name:
        plan = Plan(
            # Servers are started in folders below: to them a relative one would be another.
            folder=Path(name).resolve(),
            cores=two_cores(),
            generator=choose(choices.load),
            rounds=choices.rounds,
            seconds=choices.seconds,
            connections=choices.connections,
        )
        found = machine(plan.folder, plan.cores, plan.generator)
        figures = Figures(machine=found, rounds=plan.rounds, seconds=plan.seconds, connections=plan.connections)
        figures = _contests(figures, choices, plan, say)
        return _others(figures, choices, plan, say)


def _contests(figures: Figures, choices: Choices, plan: Plan, say: Say) -> Figures:
    every = entrants(choices.contestants, choices.only)
    if choices.contest:
        rows = contest(every, plan, say)
        figures = msgspec.structs.replace(figures, contest=tuple(rows), killed=tuple(kill_each(every, plan, say)))
        best = next((row.rate.median for row in rows if row.name == GRIDHOOK.name), 0.0)
        if best:
            figures = msgspec.structs.replace(figures, steady=steady(GRIDHOOK, plan, best / 2))
    return _slow(figures, [one for one in every if one.kept is not None], choices.fsync_ms, plan, say)


def _slow(figures: Figures, keepers: Sequence[Contestant], delays: Sequence[float], plan: Plan, say: Say) -> Figures:
    if not delays or not keepers:
        return figures
    try:
        disk = SlowDisk(plan.folder)
    except BenchError as wrong:
        return msgspec.structs.replace(figures, left_out=(*figures.left_out, f"--fsync-ms: {wrong}"))
    done: list[SlowContest] = []
    for delay in delays:
        say(f"each sync takes {delay:g} ms more")
        rows: list[Row] = contest(keepers, plan, say, disk.env(delay))
        done.append(SlowContest(sync_ms=delay, rows=tuple(rows)))
    return msgspec.structs.replace(figures, slow=tuple(done))


def _others(figures: Figures, choices: Choices, plan: Plan, say: Say) -> Figures:
    return msgspec.structs.replace(
        figures,
        travel=tuple(travel(plan, say)) if choices.dispatch else (),
        drains=tuple(drain(plan, say)) if choices.dispatch else (),
        neighbours=tuple(neighbours(plan, say)) if choices.neighbours else (),
        growth=growth(plan, choices.growth, say) if choices.growth else None,
        retention=retention(plan, choices.retention, say) if choices.retention else None,
        replicas=replicas(plan.folder, choices.replicas, say) if choices.replicas else None,
        memory=memory(plan, choices.memory, say) if choices.memory else None,
        engines=tuple(engines(plan, choices.postgres, say)) if choices.postgres else (),
    )
