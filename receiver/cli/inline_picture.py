"""A job's picture, in a terminal that can show it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import typer

from receiver.cli.screen import clean, say, tell
from receiver.cli.session import composition, settings
from receiver.cli.terminals import protocol_of
from receiver.errors import GridhookError
from receiver.model.jobs import Job


def show_picture(ctx: typer.Context, file: Path, job: Job) -> None:
    """Shows the picture itself where the terminal can; elsewhere nothing: its address is told anyway."""
    protocol = protocol_of(os.environ) if sys.stdout.isatty() else None
    url = job.grid_url or (job.images[0].open_url if job.images else None)
    fetch = composition(ctx).outside.fetch_picture
    if protocol is None or url is None:
        return
    from receiver.cli.terminal_pictures import drawn  # noqa: PLC0415  # the library of pictures takes its time

    try:
        say(drawn(asyncio.run(fetch(settings(ctx, file, secrets="optional"), url)), protocol))
    except GridhookError as wrong:
        tell(clean(f"gridhook: the picture cannot be shown: {wrong}"))
