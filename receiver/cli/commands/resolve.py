"""`resolve` and `cancel`: a person's word on a job that waits, or of which nothing certain is known."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated, Final, Literal, get_args

import msgspec
import typer

from receiver.cli import filters
from receiver.cli.details import held_text, job_line
from receiver.cli.screen import (
    clean,
    emit,
    fail,
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
from receiver.contracts import Filters, Page, Transaction
from receiver.errors import NotFound, NotPossible
from receiver.flows import commands
from receiver.model.jobs import Job, KeptJob
from receiver.model.submissions import Decision
from receiver.views.filters import text_reader

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
#: How many jobs are read at once.
PAGE: Final = 500
#: What is said before orders of unknown fate are sent once more.
TWICE: Final = "it is not known whether {source} took this order: if it did, sending it again is paid a second time"
MANY_TWICE: Final = "of {count} orders it is not known whether they were taken: those that were are paid a second time"
DECISIONS: Final[tuple[Decision, ...]] = get_args(Decision)


class Outcomes(msgspec.Struct, kw_only=True):
    """What became of decisions on jobs."""

    decided: list[Job] = []
    #: Why a job is as it was, in a sentence each.
    refused: list[str] = []
    dispatched: bool = False


def resolve(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[JOB] check|send|give-up",
            help="check: ask the vendor now (a hold is judged anew). send: order it, whatever holds it. "
            "give-up: fail it, or cancel it if it was not ordered yet.",
        ),
    ],
    held: Annotated[bool, typer.Option("--held", help="All that are held, instead of one JOB.")] = False,
    unsure: Annotated[bool, typer.Option("--unsure", help="All that are unsure, instead of one JOB.")] = False,
    source: Annotated[str | None, typer.Option("--source", help="With --held or --unsure: only this source's.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before something may be paid twice.")] = False,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Decide on a job that is unsure or held, or on all of them.

    `send` on an unsure job may be paid twice: on a terminal it asks first, elsewhere it needs --yes.
    """
    status = _asked_for(held, unsure, source)
    job, decision = _read_words(words, alone=status is not None)

    async def work(service: Runtime) -> Outcomes:
        if status is None:
            seen = [await service.store.read(lambda tx: commands.job_of(tx, job))]
        else:
            seen = await _waiting(service, Filters(status=status, source=source, limit=PAGE))
        if decision == "send":
            _warn([kept.job for kept in seen if _may_be_taken(kept)], yes)
        return await _decide(service, [kept.job for kept in seen], decision, strict=status is None)

    outcomes = with_service(ctx, config, work)
    for decided in outcomes.decided:
        _show(decided, outcomes.dispatched, json)
    for refused in outcomes.refused:
        tell(clean(f"gridhook: {refused}"))
    if status is not None and not outcomes.decided and not outcomes.refused:
        tell(f"no job is {status}")
    if outcomes.refused:
        raise typer.Exit(1)


def _asked_for(held: bool, unsure: bool, source: str | None) -> Literal["held", "unsure"] | None:
    """The status of all jobs that are decided on; None: it is one by its id."""
    if held and unsure:
        raise typer.BadParameter("--held or --unsure, one at a time")
    if source is not None and not (held or unsure):
        raise typer.BadParameter("--source goes with --held or --unsure")
    if source is not None:
        filters.read_option("--source", text_reader, source)
    return "held" if held else "unsure" if unsure else None


def _read_words(words: list[str], *, alone: bool) -> tuple[str, Decision]:
    """The job's id (empty if there is none) and the decision."""
    if len(words) != (1 if alone else 2):
        one, many = "name a job (or --held, --unsure) and a decision", "--held and --unsure go with a decision alone"
        raise typer.BadParameter(many if alone else one)
    for decision in DECISIONS:
        if words[-1] == decision:
            return ("" if alone else words[0]), decision
    raise typer.BadParameter(clean(f"{words[-1][:40]!r} is not one of {', '.join(DECISIONS)}"))


async def _waiting(service: Runtime, wanted: Filters) -> list[KeptJob]:
    """All jobs that fit, oldest first."""
    filters.refuse_unknown(service, wanted)
    found: list[KeptJob] = []
    while True:
        page = await service.store.read(partial(_page, wanted=wanted))
        found += page
        if page.next is None:
            return found[::-1]
        wanted = msgspec.structs.replace(wanted, before=page.next)


def _page(tx: Transaction, wanted: Filters) -> Page[KeptJob]:
    return tx.jobs(wanted)


async def _decide(service: Runtime, seen: list[Job], decision: Decision, *, strict: bool) -> Outcomes:
    """Decides on one job after the other; `strict`: what cannot be decided is raised instead of noted."""
    outcomes = Outcomes(dispatched=service.dispatched())
    for job in seen:
        try:
            decided = await service.store.write(partial(_resolve, service=service, seen=job, decision=decision))
        except (NotPossible, NotFound) as wrong:
            if strict:
                raise
            outcomes.refused.append(str(wrong))
        else:
            outcomes.decided.append(decided.job)
    return outcomes


def _may_be_taken(kept: KeptJob) -> bool:
    """Whether its vendor may have an earlier sending of it; a held job too, if it was unsure when it was sent again."""
    return kept.job.status == "unsure" or (kept.job.status == "held" and kept.sent_twice)


def _warn(jobs: list[Job], yes: bool) -> None:
    """Says what sending these again may cost; it takes a yes to go on. Exit 2 where nobody can be asked."""
    if not jobs:
        return
    said = TWICE.format(source=jobs[0].source) if len(jobs) == 1 else MANY_TWICE.format(count=len(jobs))
    tell(clean(f"gridhook: {said}"))
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        fail("nothing was done: say --yes if it shall be sent all the same", 2)
    if not typer.confirm("send it again?" if len(jobs) == 1 else "send them again?", err=True):
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
