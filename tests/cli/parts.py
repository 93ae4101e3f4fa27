"""What the tests of the command line share: a configuration, the commands in this process, and real processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec
from typer.testing import CliRunner, Result

import receiver
from receiver.app import PARTS, read_config, runtime
from receiver.cli import Runtime, app
from receiver.flows import intake
from support.world import PICKED, a_request

T = TypeVar("T")

GRID: Final = {
    "task_id": "grid-1",
    "task_type": "imagine",
    "status": "finished",
    "original_image_url": "https://cdn.example.com/grid.png",
    "image_urls": [f"https://cdn.example.com/{index}.png" for index in range(4)],
}
CONFIG: Final = """\
public_url = "https://hooks.example.com"
[server]
port = 0
admin_token = "admin-token-of-some-length"
[sources.journey]
provider = "journeyapi"
base_url = "{base_url}"
api_key  = "japi_live_1"
secrets  = ["hook-secret"]
[sinks.log]
handler = "log"
[[rules]]
name = "auto-hd"
when = {{ type = "job.completed", action = "pick", source = "journey" }}
then = {{ action = "upscale", kind = "2x" }}
[[rules]]
name = "tell"
when = {{ type = ["job.completed", "job.failed"] }}
to   = ["log"]
"""


def configured(folder: Path, more: str = "", base_url: str = "http://127.0.0.1:9/api/v1") -> Path:
    """A configuration file in a folder; `more` is added to it."""
    file = folder / "gridhook.toml"
    file.write_text(CONFIG.format(base_url=base_url) + more)
    return file


def run(folder: Path, *args: str) -> Result:
    """A command in this process, on the configuration of a folder."""
    name, *rest = args
    return CliRunner().invoke(app, [name, "--config", str(folder / "gridhook.toml"), *rest], obj=PARTS)


def bare(*args: str, stdin: str | None = None) -> Result:
    """A command in this process with exactly these arguments."""
    return CliRunner().invoke(app, list(args), input=stdin, obj=PARTS)


def done(result: Result) -> str:
    """What a command printed that ended well."""
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def values(result: Result) -> list[Any]:
    """The JSON lines of a command that ended well."""
    return [msgspec.json.decode(line) for line in done(result).splitlines()]


def on(folder: Path, work: Callable[[Runtime], Awaitable[T]]) -> T:
    """Runs `work` on the parts of a folder's configuration, which dispatch nothing."""

    async def opened() -> T:
        async with runtime(read_config(folder / "gridhook.toml", {}), None) as parts:
            return await work(parts)

    return asyncio.run(opened())


def webhook(folder: Path, body: object) -> intake.IntakeResult:
    """Takes a webhook in, as a server would."""

    async def take(parts: Runtime) -> intake.IntakeResult:
        source = parts.setup.sources["journey"]
        request = msgspec.structs.replace(a_request(body), received_at=parts.clock())
        return await intake.receive(request, source, parts.store, parts.setup)

    return on(folder, take)


def picked(folder: Path) -> Path:
    """A folder in which a grid and a picked tile of it were reported, so that an HD upscale is planned."""
    configured(folder)
    webhook(folder, GRID)
    webhook(folder, PICKED)
    return folder


@contextmanager
def running(folder: Path, *args: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """A real `gridhook` process. Killed at the end if it still runs."""
    env = {**os.environ, "PYTHONPATH": str(Path(receiver.__file__).parent.parent), "TERM": "xterm", "COLUMNS": "200"}
    started = subprocess.Popen(
        [sys.executable, "-m", "receiver", *args],
        cwd=folder,
        env=env,
        text=True,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def process(
    folder: Path, *args: str, until: str, stream: Literal["stdout", "stderr"] = "stderr"
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real `gridhook` process, and the line in which it said that it is up."""
    with running(folder, *args) as started:
        lines = getattr(started, stream)
        yield started, next(line for line in lines if until in line)
