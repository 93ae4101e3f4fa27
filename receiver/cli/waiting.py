"""Waits for a job: a progress bar on a terminal, a line for each change elsewhere; woken by commits."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from receiver.cli.details import (
    decide_text,
    held_text,
    job_line,
)
from receiver.cli.screen import (
    clean,
    say,
    tell,
)
from receiver.composition import Runtime
from receiver.contracts import Filters, Transaction
from receiver.model.jobs import (
    TERMINAL,
    Job,
    KeptJob,
)

#: How often it is looked whether anybody still dispatches, seconds.
LOOK_EVERY: Final = 5.0
#: Nothing more comes by itself.
STOPPED: Final = TERMINAL | {"unsure", "held"}
#: Takes the job whenever it has changed.
Shown = Callable[[Job], None]


class WaitResult(msgspec.Struct, frozen=True, kw_only=True):
    """How waiting for a job ended."""

    kept: KeptJob
    #: What was planned because of it, oldest first.
    follow_ups: list[Job] = []
    #: True if nobody dispatches any more, so that it would never end.
    deserted: bool = False


async def until_ended(service: Runtime, kept: KeptJob) -> WaitResult:
    """Shows a job's progress (on standard error) until it has ended, or until only a person can move it on."""
    watch = service.store.watch()
    try:
        with _progress(kept.job) as shown:
            return await _follow(service, kept, watch.wait, shown)
    finally:
        watch.close()


async def _follow(
    service: Runtime, kept: KeptJob, wait: Callable[[float], Awaitable[bool]], shown: Shown
) -> WaitResult:
    alone = 0
    while True:
        ended = await service.store.read(lambda tx: _look(tx, kept))
        shown(ended.kept.job)
        if ended.kept.job.status in STOPPED:
            return ended
        # Twice, because a restart is no end.
        alone = 0 if service.dispatched() else alone + 1
        if alone > 1:
            return msgspec.structs.replace(ended, deserted=True)
        await wait(LOOK_EVERY)


def _look(tx: Transaction, kept: KeptJob) -> WaitResult:
    children = tx.jobs(Filters(parent=kept.number, limit=100))
    return WaitResult(kept=tx.job(kept.number) or kept, follow_ups=[child.job for child in reversed(children)])


def show(ended: WaitResult) -> None:
    """The end of a job, its pictures, and what follows it."""
    job = ended.kept.job
    say(job_line(job))
    if job.error is not None:
        say(clean(f"  {job.error.code}: {job.error.message}"))
    if job.warning is not None:
        say("  the vendor told no picture")
    if job.status == "unsure":
        say("  it is not known whether the vendor took the order")
        say(f"  to decide: {decide_text(job)}")
    if job.hold is not None:
        say(clean(f"  it waits for {held_text(job.hold)}"))
    for address in filter(None, (job.grid_url, *(image.open_url for image in job.images))):
        say(f"  {clean(address)}")
    for follow_up in ended.follow_ups:
        say(f"  follows: {job_line(follow_up)}")


@contextmanager
def _progress(job: Job) -> Iterator[Shown]:
    if sys.stderr.isatty():
        with _bar(job) as shown:
            yield shown
    else:
        yield _lines()


def _lines() -> Shown:
    last: list[tuple[str, int]] = []

    def shown(job: Job) -> None:
        now = (job.status, job.progress)
        if last != [now]:
            last[:] = [now]
            tell(f"{job.status} {job.progress} %")

    return shown


@contextmanager
def _bar(job: Job) -> Iterator[Shown]:
    from rich.console import Console  # noqa: PLC0415  # only a terminal pays for loading it
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(clean(job.status), total=100)
        yield lambda now: progress.update(task, description=clean(now.status), completed=now.progress)
