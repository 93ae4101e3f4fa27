"""`init`, `migrate`, `schema`, `--version`, and how commands are refused."""

from __future__ import annotations

import os
import re
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from cli.parts import bare, configured, done, picked, run, values
from receiver.config import starter
from receiver.config.files.presets import shipped_presets
from receiver.lib.signatures import Secret, standard_webhook_key
from receiver.providers.generic.options import Options


def problems_of(folder: Path) -> list[dict[str, str]]:
    """What `check` finds wrong with the configuration of a folder."""
    result = run(folder, "check", "--json")
    return msgspec.json.decode(result.stdout).get("problems", [])  # type: ignore[no-any-return]


def variables(file: Path) -> dict[str, str]:
    """The variables that are set in a file."""
    pairs = [line.split("=", 1) for line in file.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return {name: value for name, value in pairs if value}


def test_init_writes_a_configuration_and_says_what_is_next(tmp_path: Path) -> None:
    shown = done(run(tmp_path, "init"))
    assert (tmp_path / "gridhook.toml").read_text() == starter()
    assert "gridhook check --config" in shown
    assert f"into {tmp_path}/.env" in " ".join(shown.split())


def test_all_that_is_missing_after_init_is_the_vendors_key_and_it_says_so(tmp_path: Path) -> None:
    done(run(tmp_path, "init"))
    [found] = problems_of(tmp_path)
    assert found["where"] == "sources.journey.api_key"
    assert found["wrong"] == f"the variable 'JOURNEYAPI_KEY' in {tmp_path}/.env is empty"
    assert "put the real one there, which only you know" in found["remedy"]
    secrets = tmp_path / ".env"
    secrets.write_text(secrets.read_text().replace("JOURNEYAPI_KEY=", "JOURNEYAPI_KEY=japi_live_1"))
    assert "warning" not in done(run(tmp_path, "check"))


def test_everything_in_it_can_be_switched_on_with_the_secrets_that_init_made(tmp_path: Path) -> None:
    done(run(tmp_path, "init"))
    for name in ("gridhook.toml", ".env"):
        file = tmp_path / name
        file.write_text(re.sub(r"(?m)^#(?=\S)", "", file.read_text()))
    assert {one["where"] for one in problems_of(tmp_path)} == {
        "sources.journey.api_key",
        "sources.frame.api_key",
        "sources.frame.old_api_keys[0]",
        "sources.mart.api_key",
        "sources.vtrix.api_key",
        "sources.own.api_key",
        "network.ca_file",
        "network.proxy",
        "server.viewer_token",
        "sinks.team.url",
    }


def test_the_secrets_that_init_makes_are_fresh_and_long(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        done(run(tmp_path / name, "init"))
        made.append(variables(tmp_path / name / ".env"))
    assert set(made[0]) == {"GRIDHOOK_ADMIN_TOKEN", "JOURNEYAPI_HOOK_SECRET", "APIMART_TOKEN", "BACKEND_SECRET"}
    assert len(standard_webhook_key(Secret(made[0]["BACKEND_SECRET"]))) == 32
    everything = [value for variables in made for value in variables.values()]
    assert len(set(everything)) == len(everything) == 8
    assert min(map(len, everything)) >= 43


def test_what_init_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        done(run(tmp_path, "init"))
    finally:
        os.umask(before)
    for name in ("gridhook.toml", ".env"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_beside_an_env_file_of_others_the_secrets_get_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MINE=1")
    done(run(tmp_path, "init"))
    assert (tmp_path / ".env").read_text() == "MINE=1"
    assert 'env_file = "gridhook.env"' in (tmp_path / "gridhook.toml").read_text()
    assert (tmp_path / "gridhook.env").stat().st_mode & 0o777 == 0o600
    assert [one["where"] for one in problems_of(tmp_path)] == ["sources.journey.api_key"]


def test_where_both_secrets_files_are_there_nothing_is_written(tmp_path: Path) -> None:
    for name in (".env", "gridhook.env"):
        (tmp_path / name).write_text("MINE=1")
    result = run(tmp_path, "init")
    assert result.exit_code == 1
    assert f"{tmp_path}/gridhook.env is there already and stays as it is" in " ".join(result.stderr.split())
    assert sorted(file.name for file in tmp_path.iterdir()) == [".env", "gridhook.env"]
    assert {file.read_text() for file in tmp_path.iterdir()} == {"MINE=1"}


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "gridhook.toml").write_text("mine")
    result = run(tmp_path, "init")
    assert result.exit_code == 1
    assert "stays as it is" in result.stderr
    assert (tmp_path / "gridhook.toml").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["gridhook.toml"]


def test_init_into_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = run(tmp_path / "none", "init")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


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


def test_init_slack_prints_the_manifest_of_the_app_alone_and_writes_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, "init", "slack")
    manifest = msgspec.json.decode(done(result))
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in manifest["settings"]["interactivity"]
    assert {"chat:write", "files:write", "files:read"} <= set(manifest["oauth_config"]["scopes"]["bot"])
    assert "app_token" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_init_slack_prints_the_manifest_for_presses_that_are_posted(tmp_path: Path) -> None:
    result = run(tmp_path, "init", "slack", "--public-url", "https://hooks.example.com/")
    settings = msgspec.json.decode(done(result))["settings"]
    assert settings["interactivity"] == {"is_enabled": True, "request_url": "https://hooks.example.com/slack/actions"}
    assert settings["socket_mode_enabled"] is False
    assert "signing_secret" in result.stderr


@pytest.mark.parametrize(
    "words",
    [("init", "teams"), ("init", "slack", "--public-url", "http://x"), ("init", "--public-url", "https://x")],
)
def test_what_init_cannot_begin_with_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path, *words).exit_code == 2
    assert list(tmp_path.iterdir()) == []


# --- a vendor's own section -------------------------------------------------------------------------------------------

VENDORS = [*shipped_presets(Options), "journeyapi", "apiframe", "apimart", "vtrix", "midjourney-proxy"]


def filled(file: Path) -> None:
    """Fills in what only the operator knows."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    file.write_text(re.sub(r"(?m)^([A-Z0-9_]+)=$", rf"\1={secret}", file.read_text()))


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_section_of_a_vendor_works_once_its_key_is_there(tmp_path: Path, vendor: str) -> None:
    shown = done(run(tmp_path, "init", "--vendor", vendor))
    assert "put your API key into" in shown
    filled(tmp_path / ".env")
    [checked] = values(run(tmp_path, "check", "--json"))
    assert (checked["ok"], checked["warnings"]) == (True, [])
    assert [(source["name"], source["orders"]) for source in checked["sources"]] == [(vendor, True)]
    for name in ("gridhook.toml", ".env"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    made = variables(tmp_path / ".env")
    assert {"GRIDHOOK_ADMIN_TOKEN", "BACKEND_SECRET"} <= set(made)
    assert not any(name.startswith(("JOURNEYAPI_HOOK", "APIMART_T")) for name in made if vendor not in name.lower())


def test_a_vendor_is_added_at_the_end_of_what_is_there(tmp_path: Path) -> None:
    done(run(tmp_path, "init", "--vendor", "replicate"))
    before = {name: (tmp_path / name).read_text() for name in ("gridhook.toml", ".env")}
    shown = done(run(tmp_path, "init", "--vendor", "leonardo"))
    assert "https://hooks.example.com/in/leonardo" in " ".join(shown.split())
    for name, text in before.items():
        assert (tmp_path / name).read_text().startswith(text)
    filled(tmp_path / ".env")
    assert problems_of(tmp_path) == []


def test_a_variable_that_is_there_keeps_its_value(tmp_path: Path) -> None:
    (tmp_path / "gridhook.toml").write_text('public_url = "https://mine.example"\nenv_file = "mine.env"')
    (tmp_path / "mine.env").write_text("PIAPI_WEBHOOK_SECRET=mine\nPIAPI_API_KEY=k")
    done(run(tmp_path, "init", "--vendor", "piapi"))
    assert variables(tmp_path / "mine.env") == {"PIAPI_WEBHOOK_SECRET": "mine", "PIAPI_API_KEY": "k"}
    assert not (tmp_path / ".env").exists()
    assert problems_of(tmp_path) == []


def test_a_source_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    done(run(tmp_path, "init", "--vendor", "fal"))
    before = (tmp_path / "gridhook.toml").read_text()
    result = run(tmp_path, "init", "--vendor", "fal")
    assert result.exit_code == 1
    assert "has a source 'fal' already" in result.stderr
    assert (tmp_path / "gridhook.toml").read_text() == before


def test_of_an_unknown_vendor_the_nearest_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    result = run(tmp_path, "init", "--vendor", "replicat")
    assert result.exit_code == 2
    assert 'did you mean "replicate"?' in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_that_is_no_toml_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "gridhook.toml").write_text("a = \n")
    result = run(tmp_path, "init", "--vendor", "fal")
    assert result.exit_code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["gridhook.toml"]
