"""`resolve` and `cancel`: a person's word on a job that waits, or of which nothing certain is known."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from receiver.cli.details import held_text, job_line
from receiver.cli.screen import (
    clean,
    emit,
    say,
    tell,
)
from receiver.cli.session import (
    DEFAULT_FILE,
    NOT_DISPATCHED,
    AsJson,
    ConfigFile,
    with_service,
)
from receiver.composition import Runtime
from receiver.contracts import Transaction
from receiver.errors import NotPossible
from receiver.flows import commands
from receiver.model.jobs import Job, KeptJob
from receiver.model.submissions import Decision

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
#: What is said before an order of unknown fate is sent once more.
TWICE: Final = "it is not known whether {source} took this order: if it did, sending it again is paid a second time"


def resolve(
    ctx: typer.Context,
    job: JobArgument,
    decision: Annotated[
        Decision,
        typer.Argument(
            help="check: ask the vendor now (a hold is judged anew). send: order it, whatever holds it. "
            "give-up: fail it, or cancel it if it was not ordered yet."
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before something may be paid twice.")] = False,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Decide on a job that is unsure or held.

    `send` on an unsure job may be paid twice; on a terminal it asks first.
    """

    async def work(service: Runtime) -> tuple[Job, bool]:
        seen = await service.store.read(lambda tx: commands.job_of(tx, job))
        if decision == "send" and _may_be_taken(seen):
            _warn(seen.job, yes)
        decided = await service.store.write(lambda tx: _resolve(tx, service, seen.job, decision))
        return decided.job, service.dispatched()

    _show(*with_service(ctx, config, work), json)


def _may_be_taken(kept: KeptJob) -> bool:
    """Whether its vendor may have an earlier sending of it; a held job too, if it was unsure when it was sent again."""
    return kept.job.status == "unsure" or (kept.job.status == "held" and kept.sent_twice)


def _warn(job: Job, yes: bool) -> None:
    """Says what sending again may cost; on a terminal it takes a yes to go on."""
    tell(clean(f"gridhook: {TWICE.format(source=job.source)}"))
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not typer.confirm("send it again?", err=True):
        tell("nothing was done")
        raise typer.Exit(1)


def _resolve(tx: Transaction, service: Runtime, seen: Job, decision: Decision) -> KeptJob:
    now = commands.job_of(tx, seen.id).job
    if decision == "send" and now.status != seen.status:
        raise NotPossible("changed", f"job {seen.id} has just become {now.status}: look at it, then decide again")
    return commands.resolve(tx, service.setup, seen.id, decision, service.clock())


def cancel(
    ctx: typer.Context,
    job: JobArgument,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Cancel a job: at once if it was not ordered yet, else its vendor is asked to stop it."""

    async def work(service: Runtime) -> tuple[Job, bool]:
        canceled = await service.store.write(lambda tx: _cancel(tx, service, job))
        return canceled.job, service.dispatched()

    _show(*with_service(ctx, config, work), json)


def _cancel(tx: Transaction, service: Runtime, job_id: str) -> KeptJob:
    return commands.cancel(tx, service.setup, commands.job_of(tx, job_id), service.clock())


def _show(job: Job, dispatched: bool, json: bool) -> None:
    if json:
        emit(job)
        return
    say(job_line(job))
    if job.error is not None:
        say(clean(f"  {job.error.code}: {job.error.message}"))
    if job.hold is not None:
        say(clean(f"  waits for {held_text(job.hold)}"))
    following = _following(job, dispatched)
    if following:
        say(f"  {following}")


def _following(job: Job, dispatched: bool) -> str:
    """What happens to it now."""
    if job.status in ("planned", "submitting"):
        return "it is being sent" if dispatched else NOT_DISPATCHED
    if job.status in ("queued", "running", "unsure"):
        return "its vendor is asked now" if dispatched else "its vendor is asked when `gridhook serve` runs"
    return "a late result still completes it" if job.status == "failed" else ""
