"""The contest: every contestant in turn, again and again, each time a fresh process on a fresh folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.contestants.contestant import Contestant
from bench.contestants.entrants import STARLETTE
from bench.load.generators import (
    Kind,
    aimed,
    drive,
)
from bench.load.histogram import Latency
from bench.machine.cores import Cores
from bench.machine.servers import RunningServer, serving
from bench.progress import Say

#: Load before the measured one, so that caches and connections are warm, seconds; no longer than that one.
WARMING: Final = 0.5


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How it is measured."""

    #: Where servers keep their files; must be on the disk that is meant.
    folder: Path
    cores: Cores
    generator: Kind
    rounds: int = 3
    #: Of each round.
    seconds: float = 3.0
    connections: int = 64


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant under load, once."""

    #: Acknowledged requests a second.
    rate: float
    acknowledged: int
    #: Requests refused or never answered.
    errors: int
    latency: Latency
    #: Processor time for one acknowledged request, microseconds.
    cpu_us: float
    #: Bytes that went to the disk for one acknowledged request, the log included.
    disk_bytes: float
    #: Bytes handed to write calls for one acknowledged request.
    write_bytes: float
    #: Resident memory at the end, MB (1,000,000 bytes).
    resident_mb: float
    #: Acknowledged events that were not there afterwards; None = it keeps nothing.
    missing: int | None


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The median of several rounds and their range."""

    median: float
    low: float
    high: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant over all rounds."""

    name: str
    about: str
    rate: Spread
    #: Its median rate as a multiple of the Starlette no-op's in the same run; None where that did not run.
    ratio: float | None
    p50_ms: Spread
    p95_ms: Spread
    p99_ms: Spread
    max_ms: Spread
    cpu_us: Spread
    disk_bytes: Spread
    write_bytes: Spread
    resident_mb: Spread
    acknowledged: int
    errors: int
    #: Acknowledged but not kept, over all rounds; None = it keeps nothing.
    missing: int | None
    rounds: tuple[Round, ...]


def contest(contestants: Sequence[Contestant], plan: Plan, say: Say, env: Mapping[str, str] | None = None) -> list[Row]:
    """Lets them run in turn and returns a row for each. Raises BenchError if one does not start."""
    rounds: dict[str, list[Round]] = {one.name: [] for one in contestants}
    for number in range(plan.rounds):
        turn = number % len(contestants)
        for one in [*contestants[turn:], *contestants[:turn]]:
            done = _round(one, plan, env)
            rounds[one.name].append(done)
            say(f"round {number + 1}/{plan.rounds}  {one.name}: {done.rate:,.0f}/s, p99 {done.latency.p99:.1f} ms")
    noop = rounds.get(STARLETTE.name)
    base = median(one.rate for one in noop) if noop else None
    return [_row(one, rounds[one.name], base) for one in contestants]


def _round(contestant: Contestant, plan: Plan, env: Mapping[str, str] | None) -> Round:
    folder = plan.folder / "round"
    try:
        with serving(contestant, folder, plan.cores.server, env) as server:
            warm = drive(
                aimed(contestant, server, min(WARMING, plan.seconds), plan.connections), plan.cores.load, folder
            )
            done = _measured(contestant, server, plan)
            server.stop()
            kept = len(contestant.kept(folder)) if contestant.kept else None
            acknowledged = warm.acknowledged + done.acknowledged
            return msgspec.structs.replace(done, missing=None if kept is None else max(0, acknowledged - kept))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(contestant: Contestant, server: RunningServer, plan: Plan) -> Round:
    before = server.usage()
    load = aimed(contestant, server, plan.seconds, plan.connections)
    answers = drive(load, plan.cores.load, server.folder, plan.generator)
    used = server.usage().since(before)
    count = max(1, answers.acknowledged)
    return Round(
        rate=answers.rate,
        acknowledged=answers.acknowledged,
        errors=answers.errors,
        latency=answers.histogram().latency(),
        cpu_us=used.cpu / count * 1e6,
        disk_bytes=used.written / count,
        write_bytes=used.wchar / count,
        resident_mb=used.resident / 1e6,
        missing=None,
    )


def spread(values: Sequence[float]) -> Spread:
    """Returns the median and the range. There must be a value."""
    return Spread(median=median(values), low=min(values), high=max(values))


def _row(contestant: Contestant, rounds: Sequence[Round], base: float | None) -> Row:
    rate = spread([one.rate for one in rounds])
    missing = [one.missing for one in rounds if one.missing is not None]
    return Row(
        name=contestant.name,
        about=contestant.about,
        rate=rate,
        ratio=rate.median / base if base else None,
        p50_ms=spread([one.latency.p50 for one in rounds]),
        p95_ms=spread([one.latency.p95 for one in rounds]),
        p99_ms=spread([one.latency.p99 for one in rounds]),
        max_ms=spread([one.latency.max for one in rounds]),
        cpu_us=spread([one.cpu_us for one in rounds]),
        disk_bytes=spread([one.disk_bytes for one in rounds]),
        write_bytes=spread([one.write_bytes for one in rounds]),
        resident_mb=spread([one.resident_mb for one in rounds]),
        acknowledged=sum(one.acknowledged for one in rounds),
        errors=sum(one.errors for one in rounds),
        missing=sum(missing) if missing else None,
        rounds=tuple(rounds),
    )
