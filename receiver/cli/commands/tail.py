"""`tail`: events as they come."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import msgspec
import typer

from receiver.cli import filters
from receiver.cli.commands.lists import action_text
from receiver.cli.filters import read_option, refuse_unknown
from receiver.cli.local_times import local
from receiver.cli.screen import (
    clean,
    emit_raw,
    say,
)
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    with_service,
)
from receiver.cli.values import moment
from receiver.composition import Runtime
from receiver.contracts import Filters, Transaction
from receiver.lib import ids, streams
from receiver.model.events import AnyEvent, OperatorEvent, decode_event
from receiver.views.filters import TYPES, word_reader

#: How many events are read at once.
PAGE: Final = 500


class TailOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are shown, and how."""

    types: tuple[str, ...]
    source: str | None
    #: Unix ms; None = from now on.
    since: int | None
    json: bool


def tail(
    ctx: typer.Context,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only this event type; may be repeated.")] = None,
    source: filters.SourceOption = None,
    since: filters.SinceOption = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Follow events as they come, until Ctrl-C."""

    for one in kind or ():
        read_option("--type", word_reader(TYPES), one)

    async def work(service: Runtime) -> None:
        refuse_unknown(service, Filters(source=source))
        start = moment(since, "--since", service.clock())
        await _follow(service, TailOptions(types=tuple(kind or ()), source=source, since=start, json=json))

    streams.shield_stdout()
    try:
        with_service(ctx, config, work, secrets="optional")
    except KeyboardInterrupt:
        return


async def _follow(service: Runtime, wanted: TailOptions) -> None:
    watch = service.store.watch()
    try:
        last = await _start(service, wanted.since)
        while True:
            bodies = await service.store.read(partial(_after, number=last))
            for body in bodies:
                last = _show(body, wanted)
                await streams.room()
            if len(bodies) < PAGE:
                await watch.wait()
    finally:
        watch.close()


def _after(tx: Transaction, number: int) -> list[bytes]:
    return tx.events_after(number, PAGE)


async def _start(service: Runtime, since: int | None) -> int:
    """The number of the last event that is not shown."""
    if since is not None:
        return await service.store.read(lambda tx: tx.number_at(since)) - 1
    newest = await service.store.read(lambda tx: tx.events(Filters(limit=1)))
    return _number(decode_event(newest[0])) if newest else 0


def _show(body: bytes, wanted: TailOptions) -> int:
    """Prints an event if it passes the filters; returns its number."""
    event = decode_event(body)
    fits = (not wanted.types or event.type in wanted.types) and wanted.source in (None, event.source_name)
    if fits and wanted.json:
        emit_raw(body)
    elif fits:
        say(event_line(event))
    return _number(event)


def event_line(event: AnyEvent) -> str:
    """An event in one line."""
    if isinstance(event, OperatorEvent):
        return clean(f"{local(event.time)}  {event.type:<13}  {event.subject}  {event.data.reason}")
    job = event.data
    told = f"{job.error.code}: {job.error.message}" if job.error else f"{job.progress} %"
    return clean(f"{local(event.time)}  {event.type:<13}  {job.id}  {job.source}  {action_text(job)}  {told}")


def _number(event: AnyEvent) -> int:
    return ids.read("evt", event.id) or 0
