"""`migrate`: the database's schema, and moving to another database."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from receiver.cli.copy_progress import copy_progress
from receiver.cli.screen import clean, emit, say, table
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    composition,
    settings,
)
from receiver.composition import Composition
from receiver.config import Config
from receiver.config.databases import other_database
from receiver.contracts import Inspection
from receiver.contracts.moves import Moved
from receiver.store.opening import move


def migrate(
    ctx: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="DATABASE", help="Move everything there: postgresql://..., sqlite:///FILE or env:NAME."
        ),
    ] = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Bring the database to this version's schema; with --to move all it holds into another, empty one.

    A move wants every `gridhook serve` on either database stopped. It copies, and changes nothing in the database it
    copies from; broken off, the same command goes on where it stopped. At the end both are compared row by row.
    """
    parts = composition(ctx)
    read = settings(ctx, config, secrets="optional")
    if to is not None:
        target = other_database(to, config, os.environ)
        with copy_progress() as told:
            moved = move(read.database, target, told)
        if json:
            emit(moved)
        else:
            _show(moved)
        return
    before = parts.inspect(read)
    after = asyncio.run(_migrated(parts, read))
    applied = list(range((before.version or 0) + 1, (after.version or 0) + 1))
    if json:
        emit({"database": after.path, "from": before.version, "to": after.version, "applied": applied})
    elif before.version is None:
        say(f"{clean(after.path)}: created, schema {after.version}")
    elif applied:
        say(f"{clean(after.path)}: schema {before.version} -> {after.version}; applied {', '.join(map(str, applied))}")
    else:
        say(f"{clean(after.path)}: schema {after.version}, nothing to do")


async def _migrated(parts: Composition, config: Config) -> Inspection:
    async with parts.open_runtime(config, None):
        return parts.inspect(config)


def _show(moved: Moved) -> None:
    table(
        ("TABLE", "ROWS", "FIRST", "LAST"),
        [[one.name, one.rows, one.first, one.last] for one in moved.tables if one.rows],
    )
    again = ", going on where it had stopped" if moved.resumed else ""
    say(clean(f"{moved.target} holds all that {moved.source} does{again}: {moved.rows} rows, compared one by one"))
    for unit, amount in moved.costs.items():
        say(f"  costs of all orders: {amount} {clean(unit)}")
    if moved.lost:
        say(f"  {moved.lost} deliveries were under way: the next start takes them back, orders among them as unsure")
    say("  to go on there: name it as `database` in the configuration; never serve both")
