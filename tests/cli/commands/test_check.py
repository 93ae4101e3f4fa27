"""`check`: every mistake at once, or what to register and what the rules will do."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from cli.parts import configured, done, on, run, values

SECRET = "hook-secret-0123456789"
MORE = f"""
[sources.mart]
provider = "apimart"
token    = "mart-token-0123456789"
[sources.frame]
provider = "apiframe"
api_key  = "{SECRET}"
budget   = {{ credits = 200, per = "day" }}
[[rules]]
name = "chain"
when = {{ action = "imagine", source = "journey" }}
then = {{ action = "pick", index = 2, then = {{ action = "upscale", kind = "subtle" }} }}
"""


def test_it_says_what_to_register_and_what_verifies(tmp_path: Path) -> None:
    configured(tmp_path, MORE)
    shown = done(run(tmp_path, "check", "--hide-secrets"))
    assert "webhook URL  https://hooks.example.com/in/journey\n" in shown
    assert "x-webhook-secret: ... (11 characters)" in shown
    assert "https://hooks.example.com/in/mart/mart... (21 characters)" in shown
    assert "verified by  the token in the URL" in shown
    assert "verified by  the vendor's signature; where it sends none, the secret URL of an order" in shown
    assert "orders       not possible: it has no api_key" in shown
    assert "budget       200 credits a day" in shown
    assert "sink log: log" in shown


def test_it_says_in_a_sentence_what_a_rule_does_and_costs(tmp_path: Path) -> None:
    configured(tmp_path, MORE)
    shown = done(run(tmp_path, "check"))
    assert (
        "rule chain: when type is job.completed and action is imagine and source is journey: "
        "order pick index=2 at journey (2 credits), and of its result order upscale kind=subtle at journey (4 credits)"
    ) in shown
    assert "rule tell: when type is job.completed or job.failed: tell log" in shown


def test_what_to_register_is_shown_in_full_unless_it_is_to_be_hidden(tmp_path: Path) -> None:
    configured(tmp_path, MORE)
    hidden = done(run(tmp_path, "check", "--hide-secrets")) + done(run(tmp_path, "check", "--json", "--hide-secrets"))
    assert not re.search("(?<!x-web)hook-secret", hidden)
    assert "mart-token" not in hidden
    shown = done(run(tmp_path, "check"))
    assert "x-webhook-secret: hook-secret\n" in shown
    assert "/in/mart/mart-token-0123456789\n" in shown


def test_check_and_serve_refuse_the_same_with_the_same_words(tmp_path: Path) -> None:
    configured(tmp_path, '[sinks.team]\nhandler = "slack"\ntext = "{prompt}"\n[sinks.odd]\nhandler = "odd_sink:Odd"\n')
    (tmp_path / "odd_sink.py").write_text("class Odd:\n    pass\n")
    checked, served = run(tmp_path, "check"), run(tmp_path, "serve")
    assert (checked.exit_code, served.exit_code) == (2, 2)
    assert checked.output == served.output
    for place in ("gridhook.toml", "sinks.team:", "sinks.team.text:", "sinks.odd.handler:"):
        assert place in served.output


def test_every_mistake_is_told_at_once_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "gridhook.toml").write_text('[server]\nfoo = 1\n[sources.j]\nprovider = "journeyap"\n')
    result = run(tmp_path, "check")
    assert result.exit_code == 2
    assert "gridhook.toml cannot be used: 2 mistakes" in result.stderr
    assert "  server.foo: unknown key\n      -> there are: admin_port, admin_token" in result.stderr
    assert '-> did you mean "journeyapi"?' in result.stderr
    assert "Traceback" not in result.output


def test_mistakes_can_be_had_as_json(tmp_path: Path) -> None:
    (tmp_path / "gridhook.toml").write_text("[server]\nfoo = 1\n")
    result = run(tmp_path, "check", "--json")
    assert result.exit_code == 2
    assert '"where":"server.foo","wrong":"unknown key"' in result.stdout


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    result = run(tmp_path, "jobs")
    assert result.exit_code == 2
    assert "there is no such file" in result.stderr


def test_it_does_not_touch_the_database(tmp_path: Path) -> None:
    configured(tmp_path)
    assert "is not there yet: it will be created" in done(run(tmp_path, "check"))
    assert [file.name for file in tmp_path.iterdir()] == ["gridhook.toml"]


async def _nothing(_: object) -> None:
    return None


def test_it_says_which_schema_the_database_has(tmp_path: Path) -> None:
    configured(tmp_path)
    on(tmp_path, _nothing)
    [found] = values(run(tmp_path, "check", "--json"))
    assert found["ok"] is True
    assert "as it should; no `gridhook serve` runs" in found["database"]["status"]


def test_a_database_that_cannot_be_used_is_a_failure(tmp_path: Path) -> None:
    configured(tmp_path)
    db = sqlite3.connect(tmp_path / "gridhook.db")
    db.execute("CREATE TABLE other (x)")
    db.close()
    result = run(tmp_path, "check")
    assert result.exit_code == 1
    assert "a database of another program" in result.stdout


def test_a_database_of_a_newer_version_is_a_failure(tmp_path: Path) -> None:
    configured(tmp_path)
    on(tmp_path, _nothing)
    db = sqlite3.connect(tmp_path / "gridhook.db")
    db.execute("PRAGMA user_version = 999")
    db.close()
    assert run(tmp_path, "check").exit_code == 1
    refused = run(tmp_path, "migrate")
    assert refused.exit_code == 1
    assert "schema version 999" in refused.stderr


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = configured(tmp_path)
    file.write_text(f'database = "sqlite:///none/gridhook.db"\n{file.read_text()}')
    result = run(tmp_path, "check")
    assert result.exit_code == 1
    assert "make it, or name another" in result.stdout


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_what_others_can_read_is_a_warning(tmp_path: Path, mode: int) -> None:
    file = configured(tmp_path, '[sources.mart]\nprovider = "apimart"\ntoken = "file:token"\n')
    (tmp_path / "token").write_text("mart-token-0123456789")
    (tmp_path / ".env").write_text("A=b")
    on(tmp_path, _nothing)
    names = ("gridhook.toml", ".env", "token", "gridhook.db")
    for name in names:
        (tmp_path / name).chmod(mode)
    shown = done(run(tmp_path, "check"))
    for name in names:
        assert f"warning: {tmp_path}/{name} can be read by other users ({mode:04o})" in shown
        (tmp_path / name).chmod(0o600)
    assert "can be read" not in done(run(tmp_path, "check"))
    assert file.exists()


@pytest.mark.parametrize(("mode", "word"), [(0o620, "changed"), (0o602, "changed"), (0o660, "read")])
def test_an_env_file_that_others_can_change_is_a_warning(tmp_path: Path, mode: int, word: str) -> None:
    configured(tmp_path).chmod(0o600)
    (tmp_path / ".env").write_text("A=b")
    (tmp_path / ".env").chmod(mode)
    remedy = f"and it holds secrets: chmod 600 {tmp_path}/.env"
    assert f"{tmp_path}/.env can be {word} by other users ({mode:04o}), {remedy}" in done(run(tmp_path, "check"))


def test_the_wal_of_a_running_server_is_looked_at_too(tmp_path: Path) -> None:
    configured(tmp_path).chmod(0o600)
    on(tmp_path, _nothing)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"gridhook.db{suffix}").touch(0o644)
    shown = done(run(tmp_path, "check"))
    assert f"{tmp_path}/gridhook.db-wal can be read" in shown
    assert f"{tmp_path}/gridhook.db-shm can be read" in shown


def test_a_configuration_without_a_literal_secret_may_be_read_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "hook-secret-0123456789")
    file = tmp_path / "gridhook.toml"
    file.write_text('[sources.journey]\nprovider = "journeyapi"\nsecrets = ["env:HOOK"]\n')
    file.chmod(0o644)
    assert "can be read" not in done(run(tmp_path, "check"))


def test_the_address_for_the_presses_of_a_sink_with_buttons_is_told(tmp_path: Path) -> None:
    configured(tmp_path)
    file = tmp_path / "gridhook.toml"
    bot = (
        '[sinks.studio]\nhandler = "slack"\ntoken = "xoxb-1"\nchannel = "C0123456789"\nsigning_secret = "of-the-app"\n'
    )
    file.write_text(file.read_text() + bot)
    told = done(run(tmp_path, "check"))
    assert "register https://hooks.example.com/slack/actions for its buttons" in " ".join(told.split())
    assert "of-the-app" not in told


def test_a_sink_that_hears_presses_by_a_connection_of_its_own_says_so(tmp_path: Path) -> None:
    configured(tmp_path)
    file = tmp_path / "gridhook.toml"
    bot = (
        '[sinks.studio]\nhandler = "slack"\ntoken = "xoxb-1"\nchannel = "C0123456789"\napp_token = "xapp-of-the-app"\n'
    )
    file.write_text(file.read_text() + bot)
    told = " ".join(done(run(tmp_path, "check")).split())
    assert "presses of its buttons are heard by a connection of its own, without a public address" in told
    assert "xapp-of-the-app" not in told
