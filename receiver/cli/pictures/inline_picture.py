"""A job's picture, in a terminal that can show it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import typer

from receiver.cli.screen import clean, say, tell
from receiver.cli.session import composition, settings
from receiver.config import Config
from receiver.contracts.pictures import keepers_of
from receiver.errors import GridhookError
from receiver.model.jobs import Job

PictureProtocol = Literal["kitty", "iterm2", "sixel"]
KITTY: Final = frozenset({"xterm-kitty", "xterm-ghostty"})
ITERM2: Final = frozenset({"iTerm.app", "WezTerm"})
#: A copy that is longer is not drawn.
MOST_BYTES: Final = 64 * 1024**2
FetchPicture = Callable[[Config, str], Awaitable[bytes]]
SIXEL: Final = frozenset({"foot", "foot-extra", "mlterm", "yaft-256color", "xterm-sixel"})


def show_picture(ctx: typer.Context, file: Path, job: Job) -> None:
    """Shows the picture itself where the terminal can; elsewhere nothing: its address is told anyway."""
    protocol = protocol_of(os.environ) if sys.stdout.isatty() else None
    fetch = composition(ctx).outside.fetch_picture
    if protocol is None or fetch is None or not (job.grid_url or job.images):
        return
    from receiver.cli.pictures.terminal_pictures import drawn  # noqa: PLC0415  # the library of pictures takes its time

    try:
        say(drawn(asyncio.run(picture_of(job, settings(ctx, file, secrets="optional"), fetch)), protocol))
    except GridhookError as wrong:
        tell(clean(f"gridhook: the picture cannot be shown: {wrong}"))


async def picture_of(job: Job, config: Config, fetch: FetchPicture) -> bytes:
    """The file of a job's picture: our copy where there is one, else the vendor's, which may be gone.

    The job has a grid or pictures. Raises GridhookError.
    """
    grid = job.grid_url
    copy = await _our_copy(job, config) if grid is None else None
    if copy is not None:
        return copy
    try:
        return await fetch(config, grid or job.images[0].open_url)
    except GridhookError:
        # Of a grid that the vendor does not have any more its first tile may be kept.
        copy = await _our_copy(job, config) if grid is not None else None
        if copy is None:
            raise
        return copy


async def _our_copy(job: Job, config: Config) -> bytes | None:
    """The first of a job's pictures that an archive keeps and can be read; None if there is none."""
    keepers = keepers_of(config.sinks)
    for copy in (image.archive for image in job.images):
        if copy is None or copy.sink not in keepers or copy.bytes > MOST_BYTES:
            continue
        with suppress(OSError):
            return b"".join([piece async for piece in keepers[copy.sink].read_copy(copy.key, config.folder)])
    return None


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
