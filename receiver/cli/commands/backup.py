"""`backup`: a whole copy of the database, while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from receiver.cli.copy_progress import copy_progress
from receiver.cli.screen import clean, emit, say
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    settings,
)
from receiver.store.sqlite.files.backup import back_up

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
    database = settings(ctx, config, secrets="optional").database_file
    with copy_progress() as told:
        made = back_up(database, file.absolute(), told)
    if json:
        emit(made)
    else:
        say(clean(f"{made.file} is written and checked: {made.bytes / MB:.1f} MB, schema {made.schema}"))
