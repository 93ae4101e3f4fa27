"""`init`, `migrate`, `schema`, `--version`, and how commands are refused."""

from __future__ import annotations

import os
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from cli.parts import bare, configured, done, picked, run, values
from receiver.config import TEMPLATE


def test_init_writes_the_template_and_says_what_is_next(tmp_path: Path) -> None:
    shown = done(run(tmp_path, "init"))
    assert (tmp_path / "gridhook.toml").read_text() == TEMPLATE
    assert "gridhook check --config" in shown


def test_what_init_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        done(run(tmp_path, "init"))
    finally:
        os.umask(before)
    assert (tmp_path / "gridhook.toml").stat().st_mode & 0o777 == 0o600


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "gridhook.toml").write_text("mine")
    result = run(tmp_path, "init")
    assert result.exit_code == 1
    assert "stays as it is" in result.stderr
    assert (tmp_path / "gridhook.toml").read_text() == "mine"


def test_init_into_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = run(tmp_path / "none", "init")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_migrate_says_what_it_applied(tmp_path: Path) -> None:
    configured(tmp_path)
    [first] = values(run(tmp_path, "migrate", "--json"))
    assert first["from"] is None
    assert first["applied"] == list(range(1, first["to"] + 1))
    assert "nothing to do" in done(run(tmp_path, "migrate"))


def test_the_schemas_describe_what_the_command_line_shows(tmp_path: Path) -> None:
    picked(tmp_path)
    schemas = msgspec.json.decode(done(bare("schema")))
    for command, name in (("jobs", "Job"), ("events", "Event")):
        for shown in values(run(tmp_path, command, "--json")):
            jsonschema_rs.validate(schemas[name], shown)
    assert msgspec.json.decode(done(bare("schema", "job"))) == schemas["Job"]


def test_an_unknown_schema_is_a_usage_error() -> None:
    result = bare("schema", "nope")
    assert result.exit_code == 2
    assert "there are Job, Event" in result.stderr


def test_the_version_is_told() -> None:
    assert done(bare("--version")).startswith("gridhook ")


@pytest.mark.parametrize("args", [["nope"], ["pick", "job_x", "5"], ["jobs", "--limit", "0"], []])
def test_wrong_usage_ends_with_2(args: list[str]) -> None:
    assert bare(*args).exit_code == 2


def test_the_configuration_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDHOOK_CONFIG", str(configured(tmp_path)))
    assert values(bare("jobs", "--json")) == []
