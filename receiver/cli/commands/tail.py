"""`tail`: events as they come, and requests that were refused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final, NamedTuple

import msgspec
import typer

from receiver.cli import filters
from receiver.cli.commands.lists import action_text
from receiver.cli.filters import read_option, refuse_unknown
from receiver.cli.local_times import local
from receiver.cli.refusal_lines import TYPE as REFUSED
from receiver.cli.refusal_lines import refusal_lines
from receiver.cli.screen import (
    clean,
    emit,
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
from receiver.lib import ids
from receiver.lib.process import streams
from receiver.model.events import AnyEvent, OperatorEvent, decode_event
from receiver.model.jobs import Job
from receiver.model.requests import RefusedRequest
from receiver.views.filters import TYPES, word_reader

#: How many events are read at once.
PAGE: Final = 500
#: Characters of a prompt that are shown.
PROMPT: Final = 60


class Place(NamedTuple):
    """How far it is shown: the numbers of the last event and of the last refused request."""

    event: int
    refused: int


class News(NamedTuple):
    """What there is beyond a place."""

    events: list[bytes]
    #: Newest first.
    refused: list[tuple[int, RefusedRequest]]


class TailOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, and how."""

    types: tuple[str, ...]
    source: str | None
    #: Unix ms; None = from now on.
    since: int | None
    json: bool


def tail(
    ctx: typer.Context,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Only this event type, or request.refused; may be repeated.")
    ] = None,
    source: filters.SourceOption = None,
    since: filters.SinceOption = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Follow events as they come, and requests that are refused, until Ctrl-C."""

    for one in kind or ():
        read_option("--type", word_reader((*TYPES, REFUSED)), one)

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
        place = await service.store.read(partial(_start, since=wanted.since))
        while True:
            news = await service.store.read(partial(_after, place=place))
            for body in news.events:
                place = place._replace(event=_show(body, wanted))
                await streams.room()
            if news.refused:
                _show_refused(news, place, wanted)
                place = place._replace(refused=news.refused[0][0])
                await streams.room()
            if len(news.events) < PAGE:
                await watch.wait()
    finally:
        watch.close()


def _after(tx: Transaction, place: Place) -> News:
    return News(tx.events_after(place.event, PAGE), tx.refused(place.refused))


def _start(tx: Transaction, since: int | None) -> Place:
    """What is the last that is not shown."""
    refused = tx.refused()
    if since is not None:
        shown = [number for number, one in refused if one.at >= since]
        return Place(tx.number_at(since) - 1, shown[-1] - 1 if shown else _newest(refused))
    newest = tx.events(Filters(limit=1))
    return Place(_number(decode_event(newest[0])) if newest else 0, _newest(refused))


def _newest(refused: Sequence[tuple[int, RefusedRequest]]) -> int:
    return refused[0][0] if refused else 0


def _show_refused(news: News, place: Place, wanted: TailOptions) -> None:
    """Prints refused requests, if they pass the filters."""
    if wanted.types and REFUSED not in wanted.types:
        return
    for line in refusal_lines(news.refused, place.refused, wanted.source):
        if wanted.json:
            emit(line)
        else:
            say(line.text())


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
    prompt = f'  "{job.prompt[:PROMPT]}{"…" if len(job.prompt) > PROMPT else ""}"' if job.prompt else ""
    what = f"{event.type:<13}  {job.id}  {job.source}  {action_text(job)}"
    return clean(f"{local(event.time)}  {what}  {_told(job)}{prompt}")


def _told(job: Job) -> str:
    """How a job stands: why it failed, is unsure or waits, else how far it is."""
    if job.error:
        return f"{job.error.code}: {job.error.message}"
    if job.hold:
        return f"waits for {job.hold.reason}{f': {job.hold.note}' if job.hold.note else ''}"
    return f"{job.progress} %"


def _number(event: AnyEvent) -> int:
    return ids.read("evt", event.id) or 0
