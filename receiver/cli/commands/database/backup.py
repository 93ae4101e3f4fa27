"""`backup` and `restore`: a whole copy of the database while the server runs, and a copy in the place of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from receiver.cli.copy_progress import copy_progress
from receiver.cli.screen import clean, emit, say, tell
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    settings,
)
from receiver.contracts import Restored
from receiver.lib.times import system_clock
from receiver.store.opening import back_up, dump_commands, put_back

MB = 1e6


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; nothing may be there yet.")],
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Write a whole, checked copy of the database into a file.

    `serve` may go on meanwhile. The copy holds the key of the webhook URLs and all that vendors sent: only you can read
    it. Never use `cp` instead: it misses what stands in the -wal file. `gridhook restore` puts it back.
    """
    database = settings(ctx, config, secrets="optional").database
    _refuse_server(database, file)
    with copy_progress() as told:
        made = back_up(database, file.absolute(), told)
    if json:
        emit(made)
    else:
        say(clean(f"{made.file} is written and checked: {made.bytes / MB:.1f} MB, schema {made.schema}"))


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `gridhook backup` wrote.")],
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Put a backup in the place of the database; the server must be stopped.

    The old database is kept beside it, under a name with the time. What came in after the backup is not in it: jobs are
    asked for again, and an order that waited then is `unsure` now, because it may have been sent since.
    """
    database = settings(ctx, config, secrets="optional").database
    _refuse_server(database, file)
    with copy_progress() as told:
        done = put_back(database, file.absolute(), system_clock, told)
    if json:
        emit(done)
    else:
        _show(done, file)


def _refuse_server(database: str, file: Path) -> None:
    """Says what backs a server's database up, and puts it back. Exit 2."""
    commands = dump_commands(database, file)
    if commands is None:
        return
    tell("gridhook: PostgreSQL's own programs back this database up and put it back (or your provider's backups do):")
    tell(f"  {clean(commands.back_up)}")
    tell(f"  {clean(commands.put_back)}   # with every `gridhook serve` stopped")
    tell("  the password comes from PGPASSWORD or ~/.pgpass; orders that waited then are unsure after it is back")
    raise typer.Exit(2)


def _show(done: Restored, file: Path) -> None:
    say(clean(f"{done.database} is what {file} holds, schema {done.schema}"))
    if done.kept is not None:
        say(clean(f"  what was there before: {done.kept}"))
    if done.unsure:
        say(f"  {done.unsure} orders waited when the backup was made, and may have been sent since: they become unsure")
        say("  to decide: gridhook jobs --status unsure, then gridhook resolve JOB check|send|give-up")
