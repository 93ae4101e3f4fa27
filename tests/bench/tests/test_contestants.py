"""Who takes part, and that gridhook takes part as it is installed."""

from __future__ import annotations

import subprocess
from importlib.metadata import distribution
from pathlib import Path

import pytest

from bench.contestants.contestant import HOME, Command, installed, python
from bench.contestants.entrants import entrants, named_in
from bench.errors import BenchError

CONTESTANT = """
from bench.contestants.contestant import Contestant, python


def contestants():
    return [Contestant(name="mine", about="it sleeps", prepare=lambda folder, port: python("-c", "pass"))]
"""


def test_a_folder_brings_its_contestants(tmp_path: Path) -> None:
    (tmp_path / "contestant_mine.py").write_text(CONTESTANT)
    (tmp_path / "other.py").write_text("raise SystemExit")
    assert [one.name for one in named_in(tmp_path)] == ["mine"]
    assert [one.name for one in entrants(tmp_path, ("mine", "gridhook"))] == ["gridhook", "mine"]


def test_a_name_that_nobody_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="Starlette no-op, gridhook"):
        entrants(tmp_path, ("apache",))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="contestant_"):
        named_in(tmp_path / "none")


def test_our_own_contestants_can_be_asked_whatever_is_installed() -> None:
    every = entrants()
    assert "one insert" in [one.name for one in every]
    assert all(one.name and one.about for one in every)


def printed(command: Command, folder: Path) -> str:
    """Returns what it prints when it is started in a folder."""
    done = subprocess.run(
        command.argv, cwd=folder, env=command.environment(), capture_output=True, text=True, check=True, timeout=50
    )
    return done.stdout.strip()


def test_gridhook_is_the_installed_one_even_in_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = HOME.parent
    assert (checkout / "receiver").is_dir()
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    there = str(distribution("gridhook").locate_file("receiver/__init__.py"))
    for command in (installed, python):
        assert printed(command("-c", "import receiver; print(receiver.__file__)"), checkout) == there
