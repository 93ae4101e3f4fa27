"""No foreign byte, and no output that takes nothing, ends a command in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import receiver
from cli.parts import configured, done, run, webhook

ROCKET = "\u706b \U0001f680 \x1b[2J \u202e \x9b31m"
NOT_UTF_8 = b"\xff\xfe"
COMMANDS = ["jobs", "events", "requests", "deliveries", "costs", "check", "schema", "--help", "--version"]


def a_full_folder(folder: Path) -> Path:
    """A folder whose database holds text of every kind."""
    configured(folder)
    done(run(folder, "submit", "journey", "imagine", "--prompt", "\u706b \U0001f680", "--tag", "a=\U0001f680"))
    webhook(folder, {"task_id": "t", "task_type": "imagine", "status": "finished", "prompt": ROCKET})
    webhook(folder, b'{"task_id": "u", "status": "odd \\ud800 \xf0\x9f\x9a\x80"}')
    return folder


def gridhook(
    folder: Path, *args: str | bytes, env: dict[str, Any] | None = None, **given: Any
) -> subprocess.CompletedProcess[bytes]:
    """A real process, with what it wrote as bytes."""
    surroundings = {**os.environ, "PYTHONPATH": str(Path(receiver.__file__).parent.parent), **(env or {})}
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **given}
    command = [os.fsencode(sys.executable), b"-m", b"receiver", *(os.fsencode(arg) for arg in args)]
    return subprocess.run(command, cwd=folder, env=surroundings, check=False, timeout=50, **given)


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1:strict"}]
)
def test_whatever_is_kept_is_shown_in_whatever_encoding(tmp_path: Path, env: dict[str, str]) -> None:
    a_full_folder(tmp_path)
    for command in COMMANDS:
        for more in ([], ["--json"]) if command in COMMANDS[:6] else ([],):
            ended = gridhook(tmp_path, command, *more, env=env)
            assert (ended.returncode, ended.stderr) == (0, b""), command
            assert b"\x1b" not in ended.stdout
            assert b"\x9b" not in ended.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_that_is_full_ends_in_one_sentence(tmp_path: Path, command: str) -> None:
    a_full_folder(tmp_path)
    with Path("/dev/full").open("w") as full:
        ended = gridhook(tmp_path, command, stdout=full)
        assert ended.returncode == 1
        assert ended.stderr == b"gridhook: the output cannot be written: No space left on device\n"
        assert gridhook(tmp_path, "jobs", "nope", stderr=full).returncode == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-", "| head -c 1 >/dev/null"])
@pytest.mark.parametrize("command", ["jobs", "jobs --json", "schema", "costs", "jobs nope"])
def test_an_output_that_is_closed_ends_quietly(tmp_path: Path, command: str, closed: str) -> None:
    a_full_folder(tmp_path)
    shell = f"{sys.executable} -m receiver {command} {closed}"
    env = {**os.environ, "PYTHONPATH": str(Path(receiver.__file__).parent.parent)}
    ended = subprocess.run(shell, shell=True, cwd=tmp_path, env=env, capture_output=True, check=False, timeout=50)  # noqa: S602
    told = b"gridhook: there is no job 'nope'\n" if "nope" in command and "2>" not in closed else b""
    assert ended.stderr == told
    assert (tmp_path / "gridhook.db").read_bytes().startswith(b"SQLite format 3\0")
    assert len(done(run(tmp_path, "jobs", "--json")).splitlines()) == 2


@pytest.mark.parametrize(
    "args",
    [
        ["submit", "journey", "imagine", "--prompt", NOT_UTF_8],
        ["submit", NOT_UTF_8, "imagine", "--prompt", "x"],
        ["submit", "journey", NOT_UTF_8],
        ["submit", "journey", "imagine", "--prompt", "x", "--tag", b"a=\xff"],
        ["submit", "journey", "imagine", "--prompt", "x", "-p", b'a={"b": "\xff"}'],
        ["submit", "journey", "imagine", "--prompt", "x", "--then", b'{"action": "\xff"}'],
        ["submit", "journey", "imagine", "--prompt", "x", "--parent", NOT_UTF_8],
        ["submit", "journey", "imagine", "--prompt", "x", "--idempotency-key", NOT_UTF_8],
        ["jobs", "--source", NOT_UTF_8],
        ["jobs", "--status", NOT_UTF_8],
        ["jobs", "--since", NOT_UTF_8],
        ["jobs", "--tag", b"a=\xff"],
        ["events", "--action", NOT_UTF_8],
        ["deliveries", "--sink", NOT_UTF_8],
        ["redeliver", "--dead", "--sink", NOT_UTF_8],
        ["resolve", "--held", "--source", NOT_UTF_8, "check"],
        ["resolve", "job_x", NOT_UTF_8],
        ["reparse", "--source", NOT_UTF_8],
        ["costs", "--until", NOT_UTF_8],
        [NOT_UTF_8],
        ["jobs", "--config", NOT_UTF_8],
        ["simulate", NOT_UTF_8],
        ["schema", NOT_UTF_8],
        ["check", "--source", NOT_UTF_8],
    ],
)
def test_an_argument_that_is_no_text_is_a_usage_error(tmp_path: Path, args: list[str | bytes]) -> None:
    configured(tmp_path)
    ended = gridhook(tmp_path, *args)
    assert ended.returncode == 2, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert ended.stderr.strip()


@pytest.mark.parametrize("command", ["jobs", "pick", "cancel", "redeliver", "events"])
def test_an_id_that_is_no_text_is_not_there(tmp_path: Path, command: str) -> None:
    configured(tmp_path)
    ended = gridhook(tmp_path, command, NOT_UTF_8, *(["1"] if command == "pick" else []))
    assert (ended.returncode, ended.stderr[:22]) == (1, b"gridhook: there is no "), ended.stderr


def test_a_configuration_may_have_any_name_and_place(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m"))
    folder.mkdir()
    name = b"\xfe.toml"
    configured(folder).rename(Path(os.fsdecode(os.fsencode(folder) + b"/" + name)))
    file = os.fsencode(folder) + b"/" + name
    for words in (["jobs"], ["check"], ["check", "--json"], ["migrate"], ["costs", "--json"]):
        for given in ({"args": [*words, "--config", file]}, {"args": words, "env": {"GRIDHOOK_CONFIG": file}}):
            ended = gridhook(tmp_path, *given["args"], env=given.get("env"))  # type: ignore[arg-type]
            assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False), ended.stderr
            assert b"\x1b" not in ended.stdout + ended.stderr
    shown = gridhook(tmp_path, "check", "--json", "--config", file).stdout
    assert msgspec.json.decode(shown)["file"].endswith("/\ufffd.toml")
    assert gridhook(tmp_path, "init", "--config", os.fsencode(folder) + b"/new\xff.toml").returncode == 0
