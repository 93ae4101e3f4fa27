"""`status`: how everything does, at a glance."""

from __future__ import annotations

import msgspec
import typer

from receiver.cli.local_times import local
from receiver.cli.screen import emit, say, table
from receiver.cli.session import DEFAULT_FILE, AsJson, ConfigFile, with_service
from receiver.composition import Runtime
from receiver.contracts import Transaction
from receiver.store.opening import shown
from receiver.views.health import HealthReport, SinkHealth, SourceHealth, health
from receiver.views.overview import Waiting, waiting


class ProgramStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `status --json` prints."""

    #: Whether some `gridhook serve` sends from this database.
    dispatching: bool
    database: str
    waiting: Waiting
    health: HealthReport


def status(ctx: typer.Context, config: ConfigFile = DEFAULT_FILE, json: AsJson = False) -> None:
    """Show how sources and sinks do, and what waits for a person.

    Figures are of the last day, or of the newest 1,000 jobs and deliveries.
    """

    async def work(service: Runtime) -> ProgramStatus:
        now = service.clock()
        sinks = tuple(service.config.sinks.values())

        def look(tx: Transaction) -> ProgramStatus:
            return ProgramStatus(
                dispatching=service.dispatched(),
                database=shown(service.config.database),
                waiting=waiting(tx),
                health=health(tx, service.setup, sinks, now),
            )

        return await service.store.read(look)

    found = with_service(ctx, config, work, secrets="optional")
    if json:
        emit(found)
    else:
        _show(found)


def _show(found: ProgramStatus) -> None:
    runs = "`gridhook serve` runs" if found.dispatching else "no `gridhook serve` runs: nothing is sent"
    say(f"{found.database}: {runs}")
    told = found.waiting
    say(
        f"waiting for a person: {told.held} held, {told.unsure} unsure, {told.dead} given up"
        if told.all
        else "nothing waits for a person"
    )
    say()
    table(
        ("SOURCE", "PROVIDER", "JOBS", "FAILED", "RUNNING", "MEDIAN", "LAST WEBHOOK", "LEFT", "STATE"),
        [_source(one) for one in found.health.sources],
    )
    say()
    table(
        ("SINK", "HANDLER", "DONE", "RETRIED", "DEAD", "WAITING", "MEDIAN", "STATE"),
        [_sink(one) for one in found.health.sinks],
    )


def _source(one: SourceHealth) -> tuple[object, ...]:
    left = "-" if one.budget is None else f"{one.budget.left} of {one.budget.amount} {one.budget.unit}"
    if one.stopped is not None:
        state = f"takes no orders ({one.stopped.code}), next try {local(one.stopped.probe_at)}"
    elif one.paused_until is not None:
        state = f"cannot be reached, next try {local(one.paused_until)}"
    elif one.missing is not None:
        state = "its webhooks do not come"
    else:
        state = "ok"
    last = local(one.last_webhook) if one.last_webhook else "-"
    running = f"{one.live} of {one.concurrency}"
    return one.name, one.provider, one.jobs, one.failed, running, _took(one.took.median_ms), last, left, state


def _sink(one: SinkHealth) -> tuple[object, ...]:
    if one.paused_until is not None:
        state = f"paused, next try {local(one.paused_until)}"
    else:
        state = f"{one.failures} failures in a row" if one.failures else "ok"
    return one.name, one.handler, one.done, one.retried, one.dead, one.waiting, _took(one.took.median_ms), state


def _took(ms: int | None) -> str:
    if ms is None:
        return "-"
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
