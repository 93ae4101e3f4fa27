"""What the README says is so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def gridhook(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line."""
    found = shutil.which("gridhook")
    command = [found] if found else [sys.executable, "-m", "receiver"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, env=dict(os.environ))


def test_every_command_it_names_is_there_and_every_command_is_named() -> None:
    listed = re.search(r"Command line: `([^`]+)`", README)
    assert listed is not None
    shown = gridhook("--help").stdout
    there = set(re.findall(r"^\W*([a-z]+)  ", shown.partition("Commands")[2], re.MULTILINE))
    assert set(listed[1].split()) == there


@pytest.mark.parametrize("path", ["deploy/demo", "tests/check", "tests/bench/run"])
def test_the_commands_of_a_checkout_are_there_and_can_be_run(path: str) -> None:
    assert f"./{path}" in README
    assert os.access(ROOT / path, os.X_OK)


def test_the_map_of_the_code_names_every_room_and_only_such_as_there_are() -> None:
    chapter = README.partition("## The code\n")[2].partition("\n## ")[0]
    named = {path.rstrip("/") for path in re.findall(r"\b(?:receiver|handlers|tests)/[\w./]*", chapter)}
    assert {path for path in named if not (ROOT / path).exists()} == set()
    rooms = {f"receiver/{room.parent.name}" for room in (ROOT / "receiver").glob("*/__init__.py")}
    assert rooms - named == set()


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("HANDLERS", "receiver/app.py"),
        ("PROVIDERS", "receiver/providers/__init__.py"),
        ("CASES", "tests/contracts/test_every_handler.py"),
        ("LINES", "tests/contracts/test_every_provider.py"),
    ],
)
def test_the_tables_that_the_readme_sends_to_are_there(table: str, path: str) -> None:
    assert f"`{table}` of `{path}`" in " ".join(README.split())
    assert re.search(rf"^{table}\b", (ROOT / path).read_text("utf-8"), re.MULTILINE)
