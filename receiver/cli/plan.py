"""`check --plan`: what an event would lead to, without sending or keeping anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from receiver.cli.explain import price
from receiver.cli.local_times import local
from receiver.cli.screen import (
    clean,
    emit,
    fail,
    say,
)
from receiver.cli.values import shown_params
from receiver.composition import Composition
from receiver.config import Config
from receiver.config.settings import setup_of
from receiver.errors import (
    NotFound,
    NotJson,
    StoreError,
    Unmapped,
)
from receiver.lib.times import system_clock
from receiver.views.dry_run import (
    DryRun,
    PlannedCost,
    PlannedOrder,
    ToldEvent,
    dry_run,
)

#: The largest file that is read, bytes.
MAX_EVENT: Final = 16 * 1024 * 1024


class Planned(DryRun, frozen=True, kw_only=True):
    """A dry run, and what its budgets were judged by."""

    #: Whether what is spent already was known; if not, budgets count as untouched.
    database: bool
    database_note: str


def plan(parts: Composition, config: Config, event: Path, source: str | None, json: bool) -> None:
    """Prints what an event would lead to. Exit 2 if it cannot be read."""
    body = _body(event)
    try:
        found = asyncio.run(_planned(parts, config, body, source))
    except (NotJson, Unmapped, NotFound) as wrong:
        hint = "; for a webhook as a vendor posts it name its --source" if source is None else ""
        fail(f"{event}: {wrong}{hint}", 2)
    if json:
        emit(found)
    else:
        _show(found)


def _body(event: Path) -> bytes:
    try:
        if str(event) == "-":
            body = sys.stdin.buffer.read(MAX_EVENT + 1)
        else:
            with event.open("rb") as file:
                body = file.read(MAX_EVENT + 1)
    except OSError as wrong:
        fail(f"{event} cannot be read: {wrong.strerror}", 2)
    if len(body) > MAX_EVENT:
        fail(f"{event} is larger than {MAX_EVENT} bytes", 2)
    return body


async def _planned(parts: Composition, config: Config, body: bytes, source: str | None) -> Planned:
    try:
        found = parts.inspect(config)
        if found.version != found.newest:
            note = "the database is not there yet" if found.version is None else "the database has another schema"
            return _alone(config, body, source, note)
        async with parts.open_runtime(config, None) as service:
            ran = await service.store.read(lambda tx: dry_run(service.setup, body, source, tx, service.clock()))
            return _with(ran, True, f"budgets and breakers as they are in {found.path}")
    except StoreError as wrong:
        return _alone(config, body, source, f"the database cannot be used: {wrong}")


def _alone(config: Config, body: bytes, source: str | None, why: str) -> Planned:
    ran = dry_run(setup_of(config), body, source, None, system_clock())
    return _with(ran, False, f"{why}, so budgets count as untouched")


def _with(ran: DryRun, database: bool, note: str) -> Planned:
    return Planned(**msgspec.structs.asdict(ran), database=database, database_note=note)


def _show(found: Planned) -> None:
    for event in found.events:
        say(_event(event))
    say()
    if not found.orders:
        say("nothing would be ordered")
    for order in found.orders:
        _show_order(order, 0)
    say()
    if found.orders:
        say(clean(_costs(found)))
    say(f"{clean(found.database_note)}; nothing was sent or kept")


def _event(event: ToldEvent) -> str:
    what = " ".join([event.action or "?", shown_params(_short(event.params))]).strip()
    vendor = f", vendor's id {event.provider_job_id}" if event.provider_job_id else ""
    told = f"tells {', '.join(event.sinks)}" if event.sinks else "tells no sink"
    return clean(f"{event.type} ({what} at {event.source}{vendor}): {told}")


def _show_order(order: PlannedOrder, depth: int) -> None:
    indent = "     " * depth
    what = " ".join([order.action, shown_params(_short(order.params))]).strip()
    rule = f", by rule {order.rule}" if order.rule else ""
    line = f"{indent}{'then ' if depth else ''}{_verb(order)} {what} at {order.source}: {_outcome(order)}{rule}"
    # `clean` keeps blanks, so the indent stays.
    say(clean(line))
    if order.hold is not None:
        until = f", until {local(order.hold.until)}" if order.hold.until else ""
        say(clean(f"{indent}     {order.hold.reason}{until}: {order.hold.note or 'no reason is told'}"))
    if order.known is not None:
        say(clean(f"{indent}     planned for this very event before, as {order.known}: never again"))
    for step in order.then:
        _show_order(step, depth + 1)


def _verb(order: PlannedOrder) -> str:
    return {"ordered": "order", "held": "hold", "done": "do", "refused": "refuse"}[order.outcome]


def _outcome(order: PlannedOrder) -> str:
    if order.outcome == "refused":
        return order.error.message if order.error is not None else "not possible"
    return "at once, without a call" if order.outcome == "done" else price(order.cost)


def _short(params: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in params.items() if name != "prompt"}


def _costs(found: Planned) -> str:
    parts = [f"costs {_amounts(found.cost)}"]
    if found.held:
        parts.append(f"held back: {_amounts(found.held)}")
    if found.unknown:
        parts.append(f"{found.unknown} {'order' if found.unknown == 1 else 'orders'} of unknown price")
    return "; ".join(parts)


def _amounts(sums: Iterable[PlannedCost]) -> str:
    told = [f"{one.amount:f} {one.unit}{f' of {one.source}' if one.source else ''}" for one in sums]
    return " and ".join(told) or "nothing"
