"""n8n with a webhook workflow that keeps its executions; takes part where `n8n` is on the path.

Twice: with its SQLite settings as they come (n8n 1), and with a pool of connections, which also means WAL.
It does not check the secret: that would need a stored credential.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.contestants.contestant import Command, Contestant

#: The task ids of a measurement, wherever they stand.
TASK_ID: Final = re.compile(r"[0-9a-f]{8}-0000-4000-8000-[0-9a-f]{12}")
WORKFLOW: Final = {
    "id": "benchhook0000001",
    "name": "bench",
    "active": False,
    "nodes": [
        {
            "id": "6f0c1f0e-0000-4000-8000-000000000001",
            "name": "Webhook",
            "type": "n8n-nodes-base.webhook",
            "typeVersion": 2,
            "position": [0, 0],
            "webhookId": "6f0c1f0e-0000-4000-8000-000000000003",
            "parameters": {"httpMethod": "POST", "path": "hook", "responseMode": "lastNode", "options": {}},
        },
        {
            "id": "6f0c1f0e-0000-4000-8000-000000000002",
            "name": "Keep",
            "type": "n8n-nodes-base.noOp",
            "typeVersion": 1,
            "position": [200, 0],
            "parameters": {},
        },
    ],
    "connections": {"Webhook": {"main": [[{"node": "Keep", "type": "main", "index": 0}]]}},
    "settings": {"executionOrder": "v1", "saveDataSuccessExecution": "all"},
}
QUIET: Final = {
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_LISTEN_ADDRESS": "127.0.0.1",
}
#: Looked up on the path.
N8N: Final = "n8n"
#: Until it has made its tables, or answers for the first time, seconds.
PATIENCE: Final = 180


def contestants() -> list[Contestant]:
    """Returns n8n in both settings, or nobody."""
    if shutil.which(N8N) is None:
        return []
    return [
        Contestant(
            name=name,
            about=f"n8n: a webhook workflow that keeps its executions ({words})",
            prepare=_prepare(pool),
            kept=kept,
            path="/webhook/hook",
            shows=b"task_id",  # before that it says, with a 200, that it is starting
            patience=PATIENCE,
        )
        for name, pool, words in (
            ("n8n", "0", "SQLite as it comes with n8n 1"),
            ("n8n, pool", "4", "SQLite, WAL, 4 connections"),
        )
    ]


def _prepare(pool: str) -> Callable[[Path, int], Command]:
    def prepare(folder: Path, port: int) -> Command:
        shutil.copytree(_imported() / ".n8n", folder / ".n8n", dirs_exist_ok=True)
        own = {"N8N_USER_FOLDER": str(folder), "N8N_PORT": str(port), "DB_SQLITE_POOL_SIZE": pool}
        return Command(argv=(N8N, "start"), env={**QUIET, **own})

    return prepare


@functools.cache
def _imported() -> Path:
    """Returns a folder with a fresh n8n in which the workflow is active; made once, since it takes long."""
    folder = Path(_scratch().name)
    file = folder / "workflow.json"
    file.write_text(json.dumps(WORKFLOW))
    _run(folder, "import:workflow", f"--input={file}")
    identity = f"--id={WORKFLOW['id']}"
    if _run(folder, "update:workflow", identity, "--active=true", check=False) != 0:
        _run(folder, "publish:workflow", identity)
    return folder


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Returns a folder that is kept until the program ends."""
    return tempfile.TemporaryDirectory(prefix="gridhook-bench-n8n-", ignore_cleanup_errors=True)


def _run(folder: Path, *arguments: str, check: bool = True) -> int:
    env = {**os.environ, **QUIET, "N8N_USER_FOLDER": str(folder)}
    done = subprocess.run([N8N, *arguments], env=env, capture_output=True, check=check, timeout=PATIENCE)
    return done.returncode


def kept(folder: Path) -> set[str]:
    """Returns the task ids in the data of its executions."""
    with contextlib.closing(sqlite3.connect(folder / ".n8n" / "database.sqlite")) as db:
        rows = db.execute("SELECT data FROM execution_data")
        return {found for (data,) in rows for found in TASK_ID.findall(data)}
