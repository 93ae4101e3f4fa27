"""A job's picture, in a terminal that can show it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import typer

from receiver.cli.screen import clean, say, tell
from receiver.cli.session import composition, settings
from receiver.errors import GridhookError
from receiver.model.jobs import Job

PictureProtocol = Literal["kitty", "iterm2", "sixel"]
KITTY: Final = frozenset({"xterm-kitty", "xterm-ghostty"})
ITERM2: Final = frozenset({"iTerm.app", "WezTerm"})
SIXEL: Final = frozenset({"foot", "foot-extra", "mlterm", "yaft-256color", "xterm-sixel"})


def show_picture(ctx: typer.Context, file: Path, job: Job) -> None:
    """Shows the picture itself where the terminal can; elsewhere nothing: its address is told anyway."""
    protocol = protocol_of(os.environ) if sys.stdout.isatty() else None
    url = job.grid_url or (job.images[0].open_url if job.images else None)
    fetch = composition(ctx).outside.fetch_picture
    if protocol is None or url is None or fetch is None:
        return
    from receiver.cli.pictures.terminal_pictures import drawn  # noqa: PLC0415  # the library of pictures takes its time

    try:
        say(drawn(asyncio.run(fetch(settings(ctx, file, secrets="optional"), url)), protocol))
    except GridhookError as wrong:
        tell(clean(f"gridhook: the picture cannot be shown: {wrong}"))


def protocol_of(env: Mapping[str, str]) -> PictureProtocol | None:
    """What the terminal that this environment tells of understands; None = nothing that is known.

    Within tmux and screen it is nothing: they show their own screen.
    """
    term = env.get("TERM", "")
    if "TMUX" in env or term.startswith(("screen", "tmux")):
        return None
    if term in KITTY or "KITTY_WINDOW_ID" in env:
        return "kitty"
    if env.get("TERM_PROGRAM") in ITERM2:
        return "iterm2"
    return "sixel" if term in SIXEL else None
