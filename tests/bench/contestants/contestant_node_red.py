"""Node-RED with the flow that its own nodes make easy; takes part where `node-red` is on the path.

Into a file always; into SQLite where `node-red-node-sqlite` is installed beside it.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.contestants.contestant import Command, Contestant
from bench.load.payload import SECRET

TASK_ID: Final = re.compile(r'"task_id":"([0-9a-f-]{36})"')
SQLITE_NODES: Final = "node-red-node-sqlite"
CHECK: Final = f"""
if (msg.req.headers["x-webhook-secret"] !== "{SECRET}") {{ msg.statusCode = 401; return [null, msg]; }}
msg.params = {{ $task: msg.payload.task_id, $body: JSON.stringify(msg.payload) }};
return [msg, null];
"""
DONE: Final = "msg.payload = {ok: true}; return msg;"
TABLE: Final = "CREATE TABLE events (task_id TEXT PRIMARY KEY, body TEXT NOT NULL)"
INSERT: Final = "INSERT OR IGNORE INTO events (task_id, body) VALUES ($task, $body)"

Node = dict[str, Any]


def contestants() -> list[Contestant]:
    """Returns the flows that can run here."""
    program = shutil.which("node-red")
    if program is None:
        return []
    found = [_contestant("Node-RED, file", "a flow: check the secret, append to a file", _to_file, _in_file)]
    modules = _modules(Path(program))
    if modules is not None:
        for name, mode in (("Node-RED, SQLite", "DELETE"), ("Node-RED, SQLite WAL", "WAL")):
            about = f"a flow: check the secret, insert into SQLite (journal_mode {mode})"
            found.append(_contestant(name, about, _to_sqlite(modules, mode), _in_sqlite))
    return found


def _contestant(
    name: str, about: str, prepare: Callable[[Path, int], Command], kept: Callable[[Path], set[str]]
) -> Contestant:
    return Contestant(name=name, about=f"Node-RED, {about}", prepare=prepare, kept=kept, path="/hook", patience=60)


def _modules(program: Path) -> Path | None:
    """Returns the `node_modules` folder that holds Node-RED and the SQLite nodes."""
    for folder in program.resolve().parents:
        if folder.name == "node_modules" and (folder / SQLITE_NODES).is_dir():
            return folder
    return None


def _to_file(folder: Path, port: int) -> Command:
    file = str(folder / "events.jsonl")
    store: Node = {"type": "file", "filename": file, "filenameType": "str", "appendNewline": True}
    return _start(folder, port, [{**store, "overwriteFile": "false", "createDir": False, "encoding": "none"}])


def _in_file(folder: Path) -> set[str]:
    return set(TASK_ID.findall((folder / "events.jsonl").read_text(errors="replace")))


def _to_sqlite(modules: Path, mode: str) -> Callable[[Path, int], Command]:
    def prepare(folder: Path, port: int) -> Command:
        file = folder / "events.db"
        with contextlib.closing(sqlite3.connect(file)) as db:
            db.execute(f"PRAGMA journal_mode = {mode}")
            db.execute(TABLE)
        (folder / "package.json").write_text(json.dumps({"name": "flows", "dependencies": {SQLITE_NODES: "*"}}))
        (folder / "node_modules").symlink_to(modules)
        return _start(
            folder,
            port,
            [
                {"type": "sqlite", "mydb": "database", "sqlquery": "prepared", "sql": INSERT},
                {"id": "database", "type": "sqlitedb", "db": str(file), "mode": "RWC"},
            ],
        )

    return prepare


def _in_sqlite(folder: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(folder / "events.db")) as db:
        return {row[0] for row in db.execute("SELECT task_id FROM events")}


def _start(folder: Path, port: int, store: list[Node]) -> Command:
    """Writes the flow (in -> check -> the first node of `store` -> answer) and returns how to start Node-RED."""
    first, *more = store
    answer = {"id": "answer", "z": "tab", "type": "http response", "wires": []}
    flow: list[Node] = [
        {"id": "tab", "type": "tab", "label": "hook"},
        {"id": "in", "z": "tab", "type": "http in", "url": "/hook", "method": "post", "wires": [["check"]]},
        {"id": "check", "z": "tab", "type": "function", "func": CHECK, "outputs": 2, "wires": [["store"], ["answer"]]},
        {"id": "store", "z": "tab", "wires": [["done"]], **first},
        {"id": "done", "z": "tab", "type": "function", "func": DONE, "outputs": 1, "wires": [["answer"]]},
        answer,
        *more,
    ]
    (folder / "flows.json").write_text(json.dumps(flow))
    (folder / "settings.js").write_text(
        f'module.exports = {{ uiHost: "127.0.0.1", uiPort: {port}, httpAdminRoot: false }};'
    )
    return Command(argv=("node-red", "-u", str(folder), "-s", str(folder / "settings.js"), str(folder / "flows.json")))
