"""The tutorial script as a contestant; takes part where `requirements.txt` beside this file is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import sqlite3
from pathlib import Path

from bench.contestants.contestant import (
    Command,
    Contestant,
    python,
)
from bench.load.payload import SECRET


def contestants() -> list[Contestant]:
    """Returns the tutorial, or nobody."""
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "sqlalchemy")):
        return []
    about = "the script a tutorial writes: FastAPI, SQLAlchemy, SQLite, one commit a request"
    return [Contestant(name="tutorial script", about=about, prepare=prepare, kept=kept, path="/webhook")]


def prepare(_folder: Path, port: int) -> Command:
    """Returns how to start it: uvicorn as its documentation does."""
    here = str(Path(__file__).parent)
    command = python("-m", "uvicorn", "tutorial:app", "--app-dir", here, "--host", "127.0.0.1", "--port", str(port))
    return Command(argv=command.argv, env={**command.env, "WEBHOOK_SECRET": SECRET})


def kept(folder: Path) -> set[str]:
    """Returns the task ids in its table."""
    with contextlib.closing(sqlite3.connect(folder / "webhooks.db")) as db:
        return {row[0] for row in db.execute("SELECT task_id FROM events")}
