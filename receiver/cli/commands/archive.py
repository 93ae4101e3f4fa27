"""`archive`: copies to an archive what an earlier configuration did not keep."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
import typer

from receiver.cli.copy_progress import Told, copy_progress
from receiver.cli.screen import clean, emit, fail, say
from receiver.cli.session import DEFAULT_FILE, AsJson, ConfigFile, composition, with_service
from receiver.composition import Composition, Runtime
from receiver.config import Config
from receiver.contracts import DeliveryContext, Sink
from receiver.lib.ids import Ids
from receiver.lib.nearest import nearest
from receiver.workers.missing_copies import CopiedJob, copy_missing, missing_jobs
from receiver.workers.picture_client import PictureClient

#: Jobs whose pictures are copied at once.
AT_ONCE: Final = 3


class ArchiveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What `archive --json` prints."""

    sink: str
    #: Jobs that were looked at because the archive did not have all their pictures.
    jobs: int
    #: Pictures that were copied.
    copied: int
    #: Jobs of which some pictures could not be had, each with the reason.
    left: tuple[CopiedJob, ...]


def archive(
    ctx: typer.Context,
    missing: Annotated[bool, typer.Option("--missing", help="Copy what the archive does not have.")] = False,
    sink: Annotated[str | None, typer.Option("--sink", metavar="SINK", help="Instead of the first archive.")] = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Copy the pictures of earlier jobs to an archive, while their vendors still have them.

    What expires first goes first. It works beside a running `gridhook serve`. The jobs then show their copies; no sink
    is told and nothing is ordered because of it. Exit 1 if a later try may have more.
    """
    if not missing:
        raise typer.BadParameter("say what to copy: --missing")
    parts = composition(ctx)
    summary = with_service(ctx, config, lambda service: _copy(parts, service, sink))
    if json:
        emit(summary)
    else:
        _show(summary)
    if any(one.may_come for one in summary.left):
        fail("some may come later: run it again")


async def _copy(parts: Composition, service: Runtime, name: str | None) -> ArchiveSummary:
    sink = _archive(service.config, name)
    numbers = await missing_jobs(service.store, service.setup, sink.name)
    async with parts.outside.open_context(service.config, sink) as plain:
        client = PictureClient(lambda: plain.foreign, service.store)
        context = msgspec.structs.replace(plain, foreign=client)
        with copy_progress() as told:
            results = await _all(service, sink, context, numbers, told)
    return ArchiveSummary(
        sink=sink.name,
        jobs=len(numbers),
        copied=sum(one.copied for one in results),
        left=tuple(one for one in results if one.reason is not None),
    )


async def _all(
    service: Runtime, sink: Sink, context: DeliveryContext, numbers: list[int], told: Told
) -> list[CopiedJob]:
    """What came of each, some at once, begun in their order."""
    results: list[CopiedJob] = []
    made = Ids(service.clock)
    waiting: Iterator[int] = iter(numbers)

    async def carry() -> None:
        for number in waiting:
            results.append(await copy_missing(service.store, service.setup, sink, context, number, made))
            told(f"job {len(results)} of {len(numbers)}", len(results), len(numbers))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(carry())
    return results


def _archive(config: Config, name: str | None) -> Sink:
    """The archive that is meant. Raises typer.BadParameter."""
    archives = {sink.name: sink for sink in config.sinks.values() if sink.handler.archives}
    if not archives:
        raise typer.BadParameter('no archive is configured: write a sink with handler = "archive"')
    if name is None:
        return next(iter(archives.values()))
    if name not in archives:
        raise typer.BadParameter(clean(f"no archive is called {name!r}; {nearest(name, sorted(archives))}"))
    return archives[name]


def _show(summary: ArchiveSummary) -> None:
    for one in summary.left:
        say(clean(f"{one.job_id}: {one.reason}"))
    if not summary.jobs:
        say(f"{summary.sink} has every picture already")
        return
    said = f"{summary.copied} pictures copied to {summary.sink}, of {summary.jobs} jobs that lacked some"
    say(said + (f"; {len(summary.left)} of them still do, for the reasons above" if summary.left else ""))
