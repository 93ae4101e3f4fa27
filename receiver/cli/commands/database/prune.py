"""`prune`: takes away what is older than the retention."""

from __future__ import annotations

from functools import partial
from typing import Annotated, NamedTuple

import msgspec
import typer

from receiver.cli.local_times import local
from receiver.cli.screen import (
    emit,
    say,
    table,
)
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    with_service,
)
from receiver.cli.values import moment
from receiver.composition import Runtime
from receiver.contracts import (
    FilePages,
    Pruned,
    Transaction,
)
from receiver.errors import StoreRefused
from receiver.lib.times import stamp
from receiver.workers.retention import jobs as retention
from receiver.workers.retention.early import SPENT_PROGRESS, SPENT_REQUESTS, prune_early, would_prune_early

MB = 1e6


class PruneSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What `prune` did, as `--json` prints it."""

    #: True: it only counted.
    dry_run: bool
    #: Only what was over and not heard of since this moment; of several ages the latest.
    before: str
    #: A dry run counts progress that goes by its own age and with its job twice.
    pruned: Pruned
    #: Size of the database, bytes; `bytes_free` of it hold nothing and are used again.
    bytes_before: int
    bytes_after: int
    bytes_free: int
    #: Whether free room is given back bit by bit; False: only by `--vacuum`.
    shrinks: bool


def prune(
    ctx: typer.Context,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="Such as 30d, instead of `retention`.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Write the whole file anew afterwards; `serve` must not run.")
    ] = False,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Take away jobs that are over and older than the retention, with all that belongs to them.

    Whole families only: a job, and all that followed from it; requests and progress also where `retention` names ages
    of their own. What waits stays, and so does what orders cost. A webhook
    that repeats a pruned job is known as a repeat for ever. `serve` does the same by itself every hour.
    """
    if dry_run and vacuum:
        raise typer.BadParameter("--vacuum does not go with --dry-run")

    async def work(service: Runtime) -> PruneSummary:
        ages = _ages(service, older_than)
        if vacuum and service.dispatched():
            raise StoreRefused("`gridhook serve` runs on this database: stop it first, --vacuum lets no write through")
        return await _pruned(service, ages, dry_run=dry_run, vacuum=vacuum)

    outcome = with_service(ctx, config, work, secrets="optional")
    if json:
        emit(outcome)
    else:
        _show(outcome)


class PruneAges(NamedTuple):
    """The moments before which jobs, requests and progress go, Unix ms; None = not by an age of their own."""

    jobs: int | None
    requests: int | None = None
    progress: int | None = None

    @property
    def latest(self) -> int:
        """The latest of them."""
        return max(one for one in self if one is not None)


def _ages(service: Runtime, older_than: str | None) -> PruneAges:
    """How old what goes must be: as given, else by `retention`."""
    now, config = service.clock(), service.config
    given = moment(older_than, "--older-than", now)
    if given is not None:
        return PruneAges(min(given, now))
    written = (config.retention, config.requests_retention, config.progress_retention)
    if all(age is None for age in written):
        raise typer.BadParameter("say how old: --older-than 30d, or `retention` in the configuration")
    return PruneAges(*(None if age is None else now - int(age * 1000) for age in written))


async def _gone(service: Runtime, ages: PruneAges, *, dry_run: bool) -> Pruned:
    """What goes, or would go."""
    store, gone = service.store, Pruned()
    for rows, before in ((SPENT_REQUESTS, ages.requests), (SPENT_PROGRESS, ages.progress)):
        if before is not None:
            number = await store.read(partial(_number_at, before))
            pace = retention.PrunePace(rests=service.dispatched())
            early = would_prune_early(rows, store, number) if dry_run else prune_early(rows, store, number, pace=pace)
            gone = gone.plus(await early)
    if ages.jobs is None:
        return gone
    number = await store.read(partial(_number_at, ages.jobs))
    if dry_run:
        return gone.plus(await retention.would_prune(store, number, with_requests=ages.requests is None))
    pace = retention.PrunePace(rests=service.dispatched())
    return gone.plus(await retention.prune(store, number, pace=pace, with_requests=ages.requests is None))


def _number_at(ms: int, tx: Transaction) -> int:
    return tx.number_at(ms)


async def _pruned(service: Runtime, ages: PruneAges, *, dry_run: bool, vacuum: bool) -> PruneSummary:
    store = service.store
    earlier = await store.read(_pages)
    gone = await _gone(service, ages, dry_run=dry_run)
    if vacuum:
        await service.vacuum()
    later = await store.read(_pages)
    return PruneSummary(
        dry_run=dry_run,
        before=stamp(ages.latest),
        pruned=gone,
        bytes_before=earlier.count * earlier.size,
        bytes_after=later.count * later.size,
        bytes_free=later.free * later.size,
        shrinks=later.shrinks,
    )


def _pages(tx: Transaction) -> FilePages:
    return tx.pages()


def _show(outcome: PruneSummary) -> None:
    word = "would go" if outcome.dry_run else "gone"
    say(f"older than {local(outcome.before)}, {word}:")
    table(("WHAT", "ROWS"), list(msgspec.structs.asdict(outcome.pruned).items()))
    if not outcome.bytes_before:
        say("the database sees to its room by itself: what is free is used again")
        return
    say(
        f"database: {outcome.bytes_before / MB:.1f} MB -> {outcome.bytes_after / MB:.1f} MB, "
        f"{outcome.bytes_free / MB:.1f} MB of it free"
    )
    if not outcome.shrinks:
        say(
            "An earlier version made this file: free room in it is used again, but not given back. To change it, stop "
            "`gridhook serve` and run `gridhook prune --vacuum`: it needs twice the file's size of free disk."
        )
