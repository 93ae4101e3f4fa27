"""`prune`: takes away what is older than the retention."""

from __future__ import annotations

from typing import Annotated

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
from receiver.workers import retention

MB = 1e6


class PruneSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What `prune` did, as `--json` prints it."""

    #: True: it only counted.
    dry_run: bool
    #: Only what was over and not heard of since this moment.
    before: str
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

    Whole families only: a job, and all that followed from it. What waits stays, and so does what orders cost. A webhook
    that repeats a pruned job is known as a repeat for ever. `serve` does the same by itself every hour.
    """
    if dry_run and vacuum:
        raise typer.BadParameter("--vacuum does not go with --dry-run")

    async def work(service: Runtime) -> PruneSummary:
        before = _before(service, older_than)
        if vacuum and service.dispatched():
            raise StoreRefused("`gridhook serve` runs on this database: stop it first, --vacuum lets no write through")
        return await _pruned(service, before, dry_run=dry_run, vacuum=vacuum)

    outcome = with_service(ctx, config, work, secrets="optional")
    if json:
        emit(outcome)
    else:
        _show(outcome)


def _before(service: Runtime, older_than: str | None) -> int:
    """The moment before which what is over goes, Unix ms."""
    now = service.clock()
    given = moment(older_than, "--older-than", now)
    if given is not None:
        return min(given, now)
    if service.config.retention is None:
        raise typer.BadParameter("say how old: --older-than 30d, or `retention` in the configuration")
    return now - int(service.config.retention * 1000)


async def _pruned(service: Runtime, before: int, *, dry_run: bool, vacuum: bool) -> PruneSummary:
    store = service.store
    earlier = await store.read(_pages)
    number = await store.read(lambda tx: tx.number_at(before))
    if dry_run:
        gone = await retention.would_prune(store, number)
    else:
        gone = await retention.prune(store, number, pace=retention.PrunePace(rests=service.dispatched()))
    if vacuum:
        await service.vacuum()
    later = await store.read(_pages)
    return PruneSummary(
        dry_run=dry_run,
        before=stamp(before),
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
    say(
        f"database: {outcome.bytes_before / MB:.1f} MB -> {outcome.bytes_after / MB:.1f} MB, "
        f"{outcome.bytes_free / MB:.1f} MB of it free"
    )
    if not outcome.shrinks:
        say(
            "An earlier version made this file: free room in it is used again, but not given back. To change it, stop "
            "`gridhook serve` and run `gridhook prune --vacuum`: it needs twice the file's size of free disk."
        )
