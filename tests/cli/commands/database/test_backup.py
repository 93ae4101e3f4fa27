"""`backup` and `restore`: what they print, and what they refuse in a sentence."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from cli.parts import GRID, configured, done, run, values, webhook
from support.files import dispatching
from support.world import PICKED

COMMANDS = ("check", "jobs", "migrate", "backup", "restore", "costs", "prune", "tail", "serve")


def test_a_backup_is_told_with_its_size_and_put_back_with_what_was_there_kept(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    assert "backup.db is written and checked: 0." in done(run(tmp_path, "backup", str(tmp_path / "backup.db")))
    webhook(tmp_path, PICKED)
    shown = done(run(tmp_path, "restore", str(tmp_path / "backup.db")))
    assert f"{tmp_path}/gridhook.db is what {tmp_path}/backup.db holds" in shown
    assert "what was there before: " in shown
    assert len(values(run(tmp_path, "requests", "--json"))) == 1


def test_both_print_json(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, PICKED)
    [made] = values(run(tmp_path, "backup", str(tmp_path / "backup.db"), "--json"))
    assert made["bytes"] == (tmp_path / "backup.db").stat().st_size
    [put] = values(run(tmp_path, "restore", str(tmp_path / "backup.db"), "--json"))
    assert Path(put["kept"]).exists()
    assert (put["schema"], put["unsure"]) == (made["schema"], 1)


def test_what_may_have_been_sent_since_is_told(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, PICKED)
    done(run(tmp_path, "backup", str(tmp_path / "backup.db")))
    assert "1 orders waited" in done(run(tmp_path, "restore", str(tmp_path / "backup.db")))


@pytest.mark.parametrize("place", [".", "none/backup.db", "gridhook.db", "gridhook.toml", "gridhook.db-wal"])
def test_a_place_that_will_not_do_ends_with_1_and_a_sentence(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    monkeypatch.chdir(tmp_path)
    result = run(tmp_path, "backup", place)
    assert result.exit_code == 1
    assert result.stderr.startswith("gridhook: ")
    assert len(result.stderr.splitlines()) == 1


def test_where_nothing_is_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    configured(tmp_path)
    result = run(tmp_path, "backup", str(tmp_path / "backup.db"))
    assert result.exit_code == 1
    assert "nothing to back up" in result.stderr
    assert not (tmp_path / "gridhook.db").exists()


def test_a_restore_beside_a_server_ends_with_1_and_a_sentence(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    done(run(tmp_path, "backup", str(tmp_path / "backup.db")))
    with dispatching(tmp_path / "gridhook.db"):
        result = run(tmp_path, "restore", str(tmp_path / "backup.db"))
    assert result.exit_code == 1
    assert "stop `gridhook serve`" in result.stderr


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that another user may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root can act as another user")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("harm", ["database", "wal", "folder"])
def test_files_of_another_user_are_a_sentence_with_the_path(open_path: Path, command: str, harm: str) -> None:
    tmp_path = open_path
    more = {"backup": [f"{tmp_path}/b.db"], "restore": [f"{tmp_path}/gridhook.toml"], "prune": ["--older-than", "1d"]}
    configured(tmp_path)
    webhook(tmp_path, GRID)
    names = {"database": "gridhook.db", "wal": "gridhook.db-wal", "folder": "."}
    other = tmp_path / names[harm]
    if harm == "wal":
        (tmp_path / "gridhook.db").chmod(0o666)
        other.touch(0o600)
    for lazy in (
        "uvloop",
        "concurrent.futures.thread",
        "encodings.idna",
    ):  # Python itself may be closed to the other user
        import_module(lazy)
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:  # another user, in a process of his own
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            result = run(tmp_path, command, *more.get(command, []))
            os.write(sending, f"{result.exit_code} {result.output} {result.exception!r}".encode())
        finally:
            os._exit(0)
    os.close(sending)
    with open(receiving, encoding="utf-8") as said:
        text = said.read()
    os.waitpid(child, 0)
    assert text.startswith("1 "), text
    assert str(tmp_path) in text


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_for_postgresql_they_name_the_programs_that_do_it(tmp_path: Path, command: str) -> None:
    file = configured(tmp_path)
    file.write_text('database = "postgresql://ada:sesame@db.example.com/gridhook"\n' + file.read_text())
    result = run(tmp_path, command, str(tmp_path / "backup.dump"))
    assert result.exit_code == 2
    assert f"  pg_dump --format=custom --no-owner --file={tmp_path}/backup.dump --dbname='user=ada" in result.stderr
    assert "  pg_restore --no-owner --clean --if-exists --single-transaction --dbname='user=ada" in result.stderr
    assert "sesame" not in result.stderr
