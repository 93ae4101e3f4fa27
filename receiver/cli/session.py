"""What every command shares: its options, the configuration, the open database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from receiver.cli.local_times import use_zone
from receiver.composition import Composition, Runtime
from receiver.config import Config
from receiver.config.reading import Secrets

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


def settings(ctx: typer.Context, file: Path, *, secrets: Secrets = "needed") -> Config:
    """The configuration. Raises ConfigError.

    What is about the database alone does without secrets: `secrets="optional"`.
    """
    return _read(composition(ctx), file, secrets)


def _read(parts: Composition, file: Path, secrets: Secrets) -> Config:
    config = parts.read_config(file, os.environ, secrets)
    use_zone(config.time_zone)
    return config


def with_service(
    ctx: typer.Context, file: Path, work: Callable[[Runtime], Awaitable[T]], *, secrets: Secrets = "needed"
) -> T:
    """Opens what the configuration describes, without dispatching, and runs `work` on it.

    What is about the database alone does without secrets: `secrets="optional"`.
    """
    parts = composition(ctx)
    config = _read(parts, file, secrets)

    async def run() -> T:
        async with parts.open_runtime(config, None) as service:
            return await work(service)

    return asyncio.run(run())
