"""What every command shares: its options, the configuration, the open database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from receiver.composition import Composition, Runtime
from receiver.config import Config

T = TypeVar("T")

ConfigFile = Annotated[
    Path, typer.Option("--config", envvar="GRIDHOOK_CONFIG", metavar="FILE", help="The configuration file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one value, or one a line for lists.")]
DEFAULT_FILE: Final = Path("gridhook.toml")

#: What is said of something that waits for a dispatcher.
NOT_DISPATCHED: Final = "kept; it is sent when `gridhook serve` runs"


def composition(ctx: typer.Context) -> Composition:
    """The parts that `receiver.app` provides."""
    parts: Composition = ctx.obj
    return parts


def settings(ctx: typer.Context, file: Path) -> Config:
    """The configuration. Raises ConfigError."""
    return composition(ctx).read_config(file, os.environ)


def with_service(ctx: typer.Context, file: Path, work: Callable[[Runtime], Awaitable[T]]) -> T:
    """Opens what the configuration describes, without dispatching, and runs `work` on it."""
    parts = composition(ctx)
    config = parts.read_config(file, os.environ)

    async def run() -> T:
        async with parts.open_runtime(config, None) as service:
            return await work(service)

    return asyncio.run(run())
