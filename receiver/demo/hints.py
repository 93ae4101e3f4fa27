"""What the reader is told before the story and after it: addresses, and commands to copy."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from receiver.demo.configuration import SOURCES
from receiver.demo.screen import Screen
from receiver.demo.servers import (
    COPIES,
    STORY,
    DemoServers,
)
from receiver.model.jobs import Job

API: Final = "$HOOK/api/v1"
CURL: Final = 'curl -s -H "Authorization: Bearer $TOKEN"'
PROMPT: Final = "a red fox in the snow"


def welcome(screen: Screen, stage: DemoServers, log: Path) -> None:
    """Prints which server runs where."""
    screen.line("gridhook demo: all on 127.0.0.1, no account, nothing leaves this machine", "bold")
    screen.line()
    rows = [
        ("gridhook", stage.hook),
        *((source, f"{stage.addresses[source]}  pretend {vendor.name}") for source, vendor in stage.vendors.items()),
        ("channel", f"{stage.channel.url}  a pretend Slack"),
        ("inbox", f"{stage.inbox}/events  a signed webhook"),
        ("configuration", str(stage.config)),
        ("log", str(log)),
    ]
    for name, place in rows:
        screen.line(f"  {name:13}  {place}")
    screen.line()
    screen.line(f"  {STORY} is told to misbehave: each webhook comes {COPIES} times at once, after a forged one")


def your_turn(screen: Screen, stage: DemoServers) -> None:
    """Where to press: the wall, by a link that signs in, and the channel."""
    screen.title("Your turn: press U2 in the channel, or click tile 2 on the wall. The rest happens by itself.")
    screen.line(f"  {stage.hook}{stage.sign_in_path()}", "bold")
    screen.line("      the wall, signed in: good once, for ten minutes", "dim")
    screen.line(f"  {stage.channel.url}/", "bold")
    screen.line("      the channel, in a pretend Slack", "dim")
    screen.line()


def what_to_try(screen: Screen, stage: DemoServers, grid: Job, tile: Job) -> None:
    """Pages to open and commands to copy. `grid` is a finished one, `tile` what was picked from it."""
    screen.title("It stays up until Ctrl-C, and goes on telling what happens. To open:")
    screen.line(f"  {stage.channel.url}/  the channel")
    screen.line(f"  {stage.hook}/         the wall, the held and the unsure order; sign in with the TOKEN below")
    screen.line(f"  {stage.hook}/readyz   whether it can keep what arrives")
    screen.line(f"  {stage.hook}/metrics  its numbers, for Prometheus")
    screen.title("To try, in another terminal:")
    screen.line(f"  HOOK={stage.hook} TOKEN={stage.keys.admin_token}")
    for what, commands in _commands(stage, grid, tile):
        screen.line(f"  # {what}", "dim")
        for command in commands:
            screen.line(f"  {command}")
    screen.line()


def _commands(stage: DemoServers, grid: Job, tile: Job) -> list[tuple[str, list[str]]]:
    """What they do, and commands that do it."""
    pick = f"{CURL} {API}/jobs/{grid.id}/pick"
    index = tile.params["index"]
    other = 3 if index != 3 else 4  # any that was not picked
    config = f"--config {shlex.quote(str(stage.config))}"
    forged = '{"task_id":"1","status":"finished"}'
    return [
        ("a grid from each vendor: four dialects, one schema", [_order(source) for source in SOURCES]),
        ("another tile: rule auto-hd has it enlarged", [f"{pick} -d '{{\"index\":{other}}}'"]),
        (f"tile {index} again: the job that is there; nothing more is ordered", [f"{pick} -d '{{\"index\":{index}}}'"]),
        ("what happened, newest first", [f'{CURL} "{API}/events?limit=5"']),
        ("what happens, as it does", [f"{CURL} -N {API}/stream"]),
        (
            "a forged webhook: 401, and nothing of it is kept",
            [f"curl -si $HOOK/in/{STORY} -H 'x-webhook-secret: a-guess' -d '{forged}'"],
        ),
        ("the command line, on the same database", [f"{program()} {name} {config}" for name in ("jobs", "check")]),
    ]


def _order(source: str) -> str:
    body = f'{{"source":"{source}","action":"imagine","params":{{"prompt":"{PROMPT}"}}}}'
    return f"{CURL} {API}/jobs -d '{body}'"


def program() -> str:
    """How this program is called from the present folder."""
    called = Path(sys.argv[0])
    if called.name != "gridhook" or shutil.which("gridhook") == str(called):
        return "gridhook"
    near = os.path.relpath(called)
    return shlex.quote(str(called.absolute()) if near.startswith("..") else f"./{near}")
