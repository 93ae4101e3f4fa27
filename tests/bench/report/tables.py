"""All that was measured, as tables, with a word on what each column means."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from bench.load.bad_sink import BEHAVIOURS
from bench.measures.contest import Row, Spread
from bench.measures.drain import Drain, described
from bench.measures.durability import Killed
from bench.measures.engines import EngineRate
from bench.measures.growth import Growth
from bench.measures.memory import Memory
from bench.measures.neighbours import Neighbours
from bench.measures.retention import Retained
from bench.measures.steady import Steady
from bench.measures.travel import Travel
from bench.report.figures import Figures
from support.replicas import ReplicaOutcome


class FigureTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table to show."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    #: What it says and what it does not.
    notes: tuple[str, ...] = ()


def tables(figures: Figures) -> list[FigureTable]:
    """Returns the tables of one run, in the order in which they were measured."""
    found = []
    if figures.contest:
        found.append(_contest("Contest", figures.contest, figures))
    if figures.steady is not None:
        found.append(_steady(figures.steady))
    found += [
        _contest(f"Contest with {slow.sync_ms:g} ms more for each sync", slow.rows, figures) for slow in figures.slow
    ]
    if figures.travel:
        found.append(_travel(figures.travel))
    if figures.drains:
        found.append(_drains(figures.drains))
    if figures.neighbours:
        found.append(_neighbours(figures.neighbours))
    if figures.growth is not None:
        found.append(_growth(figures.growth))
    if figures.retention is not None:
        found.append(_retention(figures.retention))
    if figures.replicas is not None:
        found.append(_replicas(figures.replicas))
    if figures.memory is not None:
        found.append(_memory(figures.memory))
    if figures.engines:
        found.append(_engines(figures.engines))
    return found


def durable(name: str, killed: Sequence[Killed]) -> str:
    """Returns what is known of one contestant's durability, in a word or two."""
    for one in killed:
        if one.name == name:
            return _kept(one)
    return "-"


def _kept(one: Killed) -> str:
    if one.acknowledged == 0:
        return "not known: it acknowledged nothing"
    return "yes" if one.durable else f"no: {one.missing:,} lost"


def _contest(title: str, rows: Sequence[Row], figures: Figures) -> FigureTable:
    return FigureTable(
        title=title,
        columns=(
            "contestant",
            "requests/s",
            "ratio",
            "p50 ms",
            "p99 ms",
            "max ms",
            "cpu us",
            "disk B",
            "MB",
            "errors",
            "durable",
        ),
        rows=tuple(
            (
                row.name,
                ranged(row.rate),
                "-" if row.ratio is None else f"{row.ratio:.3f}",
                f"{row.p50_ms.median:.1f}",
                f"{row.p99_ms.median:.1f}",
                f"{row.max_ms.high:.0f}",
                f"{row.cpu_us.median:,.0f}",
                f"{row.disk_bytes.median:,.0f}",
                f"{row.resident_mb.median:,.0f}",
                f"{row.errors:,}" + (f" (+{row.missing:,} lost)" if row.missing else ""),
                durable(row.name, figures.killed),
            )
            for row in rows
        ),
        notes=(
            *(f"{row.name}: {row.about}" for row in rows),
            f"Medians of {figures.rounds} rounds of {figures.seconds:g} s; {figures.connections} connections.",
            "ratio: to the Starlette no-op of this run. cpu us, disk B: of one request, the log included.",
            "durable: each acknowledged event was there after `kill -9` under load; a power cut is harder, what is not",
            "synced is lost then. '-' = it keeps nothing, or was not killed.",
        ),
    )


def ranged(spread: Spread) -> str:
    """Returns a median with its range."""
    return f"{spread.median:,.0f} [{spread.low:,.0f}-{spread.high:,.0f}]"


def _steady(one: Steady) -> FigureTable:
    return FigureTable(
        title=f"Answers of {one.name} at half of its highest rate",
        columns=("requests/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "p99/p50", "longest pause ms", "errors"),
        rows=(
            (
                f"{one.rate:,.0f}",
                f"{one.latency.p50:.2f}",
                f"{one.latency.p95:.2f}",
                f"{one.latency.p99:.2f}",
                f"{one.latency.max:.1f}",
                f"{one.tail:.1f}",
                f"{one.pause_ms:.1f}",
                f"{one.errors:,}",
            ),
        ),
        notes=(
            "Requests come by the clock and are timed from when they were due. pause: no answer came for so long;",
            f"the load generator itself was late by up to {one.late_ms:.1f} ms.",
        ),
    )


def _travel(ways: Sequence[Travel]) -> FigureTable:
    return FigureTable(
        title="End to end: webhook sent -> arrived",
        columns=(
            "arrives",
            "rate/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "answer p50 ms",
            "late ms",
            "errors",
            "arrived",
        ),
        rows=tuple(
            (
                "signed message at a sink" if one.way == "message" else "order at the vendor",
                f"{one.rate:g}",
                f"{one.latency.p50:.1f}",
                f"{one.latency.p95:.1f}",
                f"{one.latency.p99:.1f}",
                f"{one.latency.max:.0f}",
                f"{one.answer.p50:.1f}",
                f"{one.late_ms:.1f}",
                f"{one.errors:,}",
                f"{one.arrived:,} of {one.acknowledged:,}" + (f" (+{one.repeats:,} repeats)" if one.repeats else ""),
            )
            for one in ways
        ),
        notes=(
            "One clock; load and far end (sink or vendor) are processes of their own. late: the load, at worst.",
            "Both roles of gridhook in one process, default concurrency.",
        ),
    )


def _drains(drains: Sequence[Drain]) -> FigureTable:
    return FigureTable(
        title="Dispatching at its limit: a backlog goes to sinks",
        columns=("to", "messages/s", "cpu us", "MB"),
        rows=tuple(
            (described(one.case), ranged(one.rate), ranged(one.cpu_us), f"{one.resident_mb.median:.0f}")
            for one in drains
        ),
        notes=("--role dispatch; each sink in a process of its own. cpu us: of one message, without the start.",),
    )


def _neighbours(every: Sequence[Neighbours]) -> FigureTable:
    alone = next((one for one in every if not one.beside), every[0])
    return FigureTable(
        title="A healthy sink and its neighbours",
        columns=(
            "beside",
            "p50 ms",
            "p95 ms",
            "answer p50 ms",
            "answer p95 ms",
            "messages/s",
            "ratio",
            "cpu us",
            "missing",
        ),
        rows=tuple(
            (
                " and ".join(one.beside) or "nobody",
                f"{one.p50_ms.median:.1f}",
                f"{one.p95_ms.median:.1f}",
                f"{one.answer_p50_ms.median:.1f}",
                f"{one.answer_p95_ms.median:.1f}",
                ranged(one.rate),
                f"{one.rate.median / alone.rate.median:.2f}",
                f"{one.cpu_us.median:,.0f}",
                f"{one.missing:,}",
            )
            for one in every
        ),
        notes=(
            *(f"{name}: a sink that {what}." for name, what in BEHAVIOURS.items()),
            "Each event goes to all of them. Times at a steady rate; messages/s: of a backlog, to the healthy one.",
        ),
    )


def _growth(growth: Growth) -> FigureTable:
    return FigureTable(
        title=f"Growth: a database with {growth.few:,} events and one with {growth.events:,}, in turn",
        columns=("step", f"{growth.few:,}: ms", f"{growth.events:,}: ms", "ratio"),
        rows=tuple((one.step, f"{one.small_ms:.2f}", f"{one.full_ms:.2f}", f"{one.ratio:.2f}") for one in growth.steps),
        notes=(
            "Medians. 'under full load' is the time for one webhook at the highest rate.",
            f"{growth.bytes_per_event:,.0f} bytes in the file for one event, {growth.resident_mb:.0f} MB resident.",
        ),
    )


def _retention(one: Retained) -> FigureTable:
    return FigureTable(
        title=f"Retention: answers at half of the highest rate, {one.rate:,.0f}/s, while {one.events:,} old events go",
        columns=("meanwhile", "p50 ms", "p95 ms", "p99 ms", "max ms", "longest pause ms"),
        rows=tuple(
            (
                name,
                f"{latency.p50:.2f}",
                f"{latency.p95:.2f}",
                f"{latency.p99:.2f}",
                f"{latency.max:.1f}",
                f"{pause:.1f}",
            )
            for name, latency, pause in (
                ("nothing is pruned", one.quiet, one.quiet_pause_ms),
                ("the past is pruned", one.pruning, one.pruning_pause_ms),
            )
        ),
        notes=(
            f"p99 is {one.ratio:.2f} times as long; {one.pruned_meanwhile:,} old jobs went in {one.seconds:.1f} s, "
            f"all in {one.whole_seconds:.0f} s; {one.errors:,} errors.",
            f"The file: {one.before_mb:,.1f} MB before, {one.after_mb:,.1f} MB after, what came in meanwhile included.",
        ),
    )


def _replicas(one: ReplicaOutcome) -> FigureTable:
    return FigureTable(
        title="Replicas: one stopped past its leases, one killed, the database crashed, under load",
        columns=("what", ""),
        rows=(
            ("webhooks acknowledged", f"{one.acknowledged:,}"),
            ("of these not kept whole", f"{one.missing:,}"),
            ("events that the sink was told, at least once", f"{one.told:,}"),
            ("told more than once, by the same id", f"{one.told_again:,}"),
            ("never told, or told of none that there is", f"{one.untold + one.unknown:,}"),
            ("orders that the vendor got", f"{one.orders:,}"),
            ("of these more than once", f"{one.ordered_twice:,}"),
            ("orders that are unsure, and held by the budget", f"{one.unsure:,}, {one.held:,}"),
            ("spent of the budget, credits", f"{one.spent:,} of {one.budget:,}"),
            ("first webhook kept after the database is back", f"{one.back_s:.2f} s"),
            ("longest time in which none was kept", f"{one.longest_gap_s:.2f} s"),
            ("the load took", f"{one.took_s:.0f} s"),
        ),
    )


def _memory(memory: Memory) -> FigureTable:
    after = " ".join(f"{mb:.0f}" for mb in memory.after_mb)
    rows = [
        ("ready, empty database", f"{memory.ready_empty_ms:.0f} ms"),
        (f"ready, {memory.events:,} events", f"{memory.ready_full_ms:.0f} ms"),
        ("import receiver.app", f"{memory.import_ms:.0f} ms"),
        ("resident after start", f"{memory.start_mb:.0f} MB"),
        (f"resident while {memory.events:,} events come in", f"{after} MB"),
        (f"resident with {memory.streams:,} open streams", f"{memory.streams_mb:.0f} MB"),
        ("which alone add to a bare uvicorn", f"{memory.bare_streams_mb:.0f} MB"),
    ]
    slowest = ", ".join(f"{one.name} {one.own_ms:.0f}" for one in memory.imported[:8])
    return FigureTable(
        title="Memory and start",
        columns=("what", "value"),
        rows=tuple(rows),
        notes=(f"Slowest imports, ms: {slowest}",),
    )


def _engines(rates: Sequence[EngineRate]) -> FigureTable:
    return FigureTable(
        title="PostgreSQL beside SQLite",
        columns=("what", "engine", "webhooks/s", "ratio", "gridhook's CPU us"),
        rows=tuple(
            (one.task, one.engine, f"{median(one.rates):,.0f}", f"{one.ratio:.2f}", f"{one.cpu_us:.0f}")
            for one in rates
        ),
        notes=("PostgreSQL, gridhook and the load share this machine: ratios, not what a server of its own can do.",),
    )
