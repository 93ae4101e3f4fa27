"""`migrate`: the schema, and moving to another database."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.parts import configured, done, picked, run, values


def on(folder: Path, address: str) -> Path:
    """The same configuration on another database, in a folder of its own."""
    folder.mkdir()
    text = f'database = "{address}"\n' + (folder.parent / "gridhook.toml").read_text()
    (folder / "gridhook.toml").write_text(text)
    return folder


def test_migrate_says_what_it_applied(tmp_path: Path) -> None:
    configured(tmp_path)
    [first] = values(run(tmp_path, "migrate", "--json"))
    assert first["from"] is None
    assert first["applied"] == list(range(1, first["to"] + 1))
    assert "nothing to do" in done(run(tmp_path, "migrate"))


def test_a_move_to_postgresql_and_back_is_told_as_a_table_and_as_json(tmp_path: Path, postgres: str) -> None:
    picked(tmp_path)
    (tmp_path / ".env").write_text(f"TARGET={postgres}\n")
    shown = done(run(tmp_path, "migrate", "--to", "env:TARGET"))
    assert [line.split()[:2] for line in shown.splitlines() if line.startswith(("jobs", "requests"))] == [
        ["jobs", "3"],
        ["requests", "2"],
    ]
    assert "holds all that " in shown
    assert "costs of all orders: 2 credits" in shown
    there = on(tmp_path / "there", postgres)
    assert values(run(there, "jobs", "--json")) == values(run(tmp_path, "jobs", "--json"))
    [back] = values(run(there, "migrate", "--to", "sqlite:///back.db", "--json"))
    assert (back["target"], back["resumed"], back["costs"]) == (f"{there}/back.db", False, {"credits": "2"})
    [jobs] = [one for one in back["tables"] if one["name"] == "jobs"]
    assert jobs["rows"] == 3
    again = run(there, "migrate", "--to", "sqlite:///back.db")
    assert again.exit_code == 1
    assert "back.db is not empty" in again.stderr


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("mysql://x", "is not the address of a SQLite file, nor of a PostgreSQL server"),
        ("sqlite:///:memory:", "names no file on disk"),
        ("env:NOWHERE_SET", "'NOWHERE_SET' is not set"),
        ("file:none", "none cannot be read"),
    ],
)
def test_what_is_no_database_ends_with_2(tmp_path: Path, target: str, said: str) -> None:
    picked(tmp_path)
    result = run(tmp_path, "migrate", "--to", target)
    assert result.exit_code == 2
    assert "the database to move to" in result.stderr
    assert said in result.stderr


def test_the_database_itself_is_refused(tmp_path: Path) -> None:
    picked(tmp_path)
    result = run(tmp_path, "migrate", "--to", "sqlite:///gridhook.db")
    assert result.exit_code == 1
    assert "is the database itself" in result.stderr


def test_pruning_on_postgresql_says_nothing_of_files(tmp_path: Path, postgres: str) -> None:
    picked(tmp_path)
    shown = done(run(on(tmp_path / "there", postgres), "prune", "--older-than", "1d"))
    assert "file" not in shown
    assert "the database sees to its room by itself" in shown
