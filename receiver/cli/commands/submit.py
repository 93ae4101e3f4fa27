"""`submit` and `pick`: what a person orders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from receiver.cli import waiting
from receiver.cli.details import decide_text, held_text, job_line
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
from receiver.cli.values import params, tags
from receiver.cli.values import then as read_then
from receiver.composition import Runtime
from receiver.contracts import Transaction
from receiver.flows.commands import pick as plan_pick
from receiver.flows.commands import submit as plan_job
from receiver.lib.process import streams
from receiver.model.jobs import TERMINAL, Job, KeptJob
from receiver.model.submissions import Submission

Wait = Annotated[bool, typer.Option("--wait", help="Show its progress and wait until it has ended.")]
#: Plans a job in a transaction; the service is what it runs on.
Plan = Callable[[Runtime, Transaction], KeptJob]


def submit(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="The source that shall do it.")],
    action: Annotated[str, typer.Argument(help="What to do: imagine, upscale, vary, ...")],
    prompt: Annotated[str | None, typer.Option("--prompt", help="What to draw.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="KEY=VALUE", help="A parameter; may be repeated.")
    ] = None,
    parent: Annotated[str | None, typer.Option("--parent", metavar="JOB", help="The job that it follows.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="NAME=TEXT", help="A tag; may be repeated.")] = None,
    then: Annotated[
        str | None,
        typer.Option("--then", metavar="JSON", help="What follows: an object like a rule's then, or a list."),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key returns the same job, ordered once.")
    ] = None,
    wait: Wait = False,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Order a job.

    It is kept at once; a running `gridhook serve` sends it to the vendor.
    """
    given = params(param or []) | ({} if prompt is None else {"prompt": prompt})
    submission = Submission(
        source=source, action=action, params=given, parent_id=parent, tags=tags(tag or []), then=read_then(then)
    )
    _order(
        ctx,
        config,
        lambda service, tx: plan_job(tx, service.setup, submission, service.clock(), idempotency_key),
        wait,
        json,
    )


def pick(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(help="The grid's job, or the question about it.")],
    index: Annotated[int, typer.Argument(min=1, max=4, help="1 top left, 2 top right, 3 bottom left, 4 bottom right.")],
    wait: Wait = False,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Pick a tile of a finished grid (U1-U4). If a question about it is open, this answers it."""
    _order(
        ctx, config, lambda service, tx: plan_pick(tx, service.setup, job, index, "cli", service.clock()), wait, json
    )


def _order(ctx: typer.Context, config: Path, plan: Plan, wait: bool, json: bool) -> None:
    """Plans, shows, and waits if that was asked for. Exit 1 if the job did not complete."""
    planned: list[KeptJob] = []
    if wait:
        streams.shield_stdout()

    async def work(service: Runtime) -> waiting.WaitResult:
        if wait and not service.dispatched():
            fail("no `gridhook serve` runs on this database, so nothing would be sent: start it, or leave --wait out")
        kept = await service.store.write(lambda tx: plan(service, tx))
        planned.append(kept)
        if not json:
            say(job_line(kept.job))
        if wait:
            return await waiting.until_ended(service, kept)
        if not json:
            _tell_next(kept.job, service.dispatched())
        return waiting.WaitResult(kept=kept)

    try:
        ended = with_service(ctx, config, work)
    except KeyboardInterrupt:
        if not planned:
            raise
        tell(f"\nnot waiting any longer; the job goes on: gridhook jobs {planned[0].job.id}")
        raise typer.Exit(1) from None
    _show_end(ended, wait, json)


def _tell_next(job: Job, dispatched: bool) -> None:
    """What happens to a planned job now: it is sent, or what it waits for."""
    if job.hold is not None:
        say(clean(f"it is not sent: it waits for {held_text(job.hold)}"))
        say(f"to decide: {decide_text(job)}")
    elif job.status not in TERMINAL:
        say("it is being sent" if dispatched else NOT_DISPATCHED)


def _show_end(ended: waiting.WaitResult, wait: bool, json: bool) -> None:
    job = ended.kept.job
    if json:
        emit(job)
    elif wait:
        waiting.show(ended)
    if ended.deserted:
        fail(f"`gridhook serve` has ended; job {job.id} goes on when it runs again")
    if job.status in waiting.STOPPED - {"completed"}:
        raise typer.Exit(1)
