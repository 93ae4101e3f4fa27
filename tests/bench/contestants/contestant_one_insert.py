"""The least that keeps a webhook at all, as a contestant: how much there is to win."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from bench.contestants.contestant import (
    Command,
    Contestant,
    python,
)
from bench.load.payload import SECRET

SERVER = Path(__file__).with_name("one_insert.py")


def contestants() -> list[Contestant]:
    """Returns the prototype, which needs nothing that gridhook does not."""
    about = "a prototype: a raw ASGI route, one row for a webhook, committed with all that waits"
    return [Contestant(name="one insert", about=about, prepare=prepare, kept=kept)]


def prepare(_folder: Path, port: int) -> Command:
    """Returns how to start it: uvicorn with the settings of `gridhook serve`."""
    command = python(str(SERVER), str(port))
    return Command(argv=command.argv, env={**command.env, "WEBHOOK_SECRET": SECRET})


def kept(folder: Path) -> set[str]:
    """Returns the task ids in its table."""
    with contextlib.closing(sqlite3.connect(folder / "webhooks.db")) as db:
        return {msgspec.json.decode(body)["task_id"] for (body,) in db.execute("SELECT body FROM webhooks")}
