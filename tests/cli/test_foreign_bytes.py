"""No foreign byte, and no output that takes nothing, ends a command in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

import receiver
from cli.parts import configured, done, run, webhook

ROCKET = "\u706b \U0001f680 \x1b[2J \u202e \x9b31m"
NOT_UTF_8 = b"\xff\xfe"
COMMANDS = ["jobs", "events", "requests", "deliveries", "costs", "check", "schema", "--help", "--version"]
#: Commands in which something is no text.
NO_TEXT: Final[tuple[list[str | bytes], ...]] = (
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
)


def a_full_folder(folder: Path) -> Path:
    """A folder whose database holds text of every kind."""
    configured(folder)
    done(run(folder, "submit", "journey", "imagine", "--prompt", "\u706b \U0001f680", "--tag", "a=\U0001f680"))
    webhook(folder, {"task_id": "t", "task_type": "imagine", "status": "finished", "prompt": ROCKET})
    webhook(folder, b'{"task_id": "u", "status": "odd \\ud800 \xf0\x9f\x9a\x80"}')
    return folder


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: bytes
    err: bytes


#: Runs the commands that stand between ";;" one after another, each in a process of its own that has what is loaded
#: already: to load it takes four times as long as a command. Prints their exit codes.
EACH: Final = """
import os, sys
from importlib import import_module
from receiver.app import main
from receiver.cli.main import COMMANDS

for place in COMMANDS.values():
    import_module("receiver.cli.commands." + place.partition(":")[0])
words, out = sys.argv[2:], sys.argv[1]
while words:
    cut = words.index(";;")
    command, words = words[:cut], words[cut + 1:]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    if os.fork() == 0:
        os.dup2(os.open(out, flags), 1)
        os.dup2(os.open("err", flags), 2)
        sys.argv = ["gridhook", *command]
        main()
        sys.exit()
    code = os.waitstatus_to_exitcode(os.wait()[1])
    written = b"" if out == "/dev/full" else open(out, "rb").read()
    for part in (str(code).encode(), written, open("err", "rb").read()):
        os.write(1, len(part).to_bytes(8, "big") + part)
"""


def gridhook(
    folder: Path, *commands: Sequence[str | bytes], env: Mapping[str, str | bytes] | None = None, out: str = "out"
) -> list[Ended]:
    """What became of each of these commands, in real processes; `out` is the file that is their output."""
    words = [os.fsencode(word) for command in commands for word in (*command, ";;")]
    done = subprocess.run(
        [os.fsencode(sys.executable), b"-c", EACH.encode(), out.encode(), *words],
        cwd=folder,
        env={**os.environ, **installed(), **(env or {})},
        capture_output=True,
        check=True,
        timeout=250,
    )
    parts, rest = [], done.stdout
    while rest:
        end = 8 + int.from_bytes(rest[:8], "big")
        parts.append(rest[8:end])
        rest = rest[end:]
    assert len(parts) == 3 * len(commands)
    return [Ended(int(code), out, err) for code, out, err in zip(*[iter(parts)] * 3, strict=True)]


def installed() -> dict[str, str]:
    """Where processes find the packages that are tested."""
    return {"PYTHONPATH": str(Path(receiver.__file__).parent.parent)}


@pytest.fixture(scope="module")
def full_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database holds text of every kind, for commands that change nothing."""
    return a_full_folder(tmp_path_factory.mktemp("full"))


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1:strict"}]
)
def test_whatever_is_kept_is_shown_in_whatever_encoding(full_folder: Path, env: dict[str, str]) -> None:
    commands = [[command] for command in COMMANDS] + [[command, "--json"] for command in COMMANDS[:6]]
    for command, ended in zip(commands, gridhook(full_folder, *commands, env=env), strict=True):
        assert (ended.code, ended.err) == (0, b""), command
        assert ended.out, command
        assert b"\x1b" not in ended.out
        assert b"\x9b" not in ended.out


def test_an_output_that_is_full_ends_in_one_sentence(full_folder: Path) -> None:
    commands = [[command] for command in COMMANDS]
    for command, ended in zip(commands, gridhook(full_folder, *commands, out="/dev/full"), strict=True):
        assert ended.code == 1, command
        assert ended.err == b"gridhook: the output cannot be written: No space left on device\n", command


def test_an_error_for_which_there_is_no_room_is_an_error_still(full_folder: Path) -> None:
    command = [sys.executable, "-m", "receiver", "jobs", "nope"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command, cwd=full_folder, env={**os.environ, **installed()}, stderr=full, check=False, timeout=50
        )
    assert ended.returncode == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-", "| head -c 1 >/dev/null"])
@pytest.mark.parametrize("command", ["jobs", "jobs --json", "schema", "costs", "jobs nope"])
def test_an_output_that_is_closed_ends_quietly(full_folder: Path, command: str, closed: str) -> None:
    shell = f"{sys.executable} -m receiver {command} {closed}"
    ended = subprocess.run(  # noqa: S602
        shell,
        shell=True,
        cwd=full_folder,
        env={**os.environ, **installed()},
        capture_output=True,
        check=False,
        timeout=50,
    )
    told = b"gridhook: there is no job 'nope'\n" if "nope" in command and "2>" not in closed else b""
    assert ended.stderr == told
    assert (full_folder / "gridhook.db").read_bytes().startswith(b"SQLite format 3\0")
    assert len(done(run(full_folder, "jobs", "--json")).splitlines()) == 2


def test_an_argument_that_is_no_text_is_a_usage_error(tmp_path: Path) -> None:
    configured(tmp_path)
    for command, ended in zip(NO_TEXT, gridhook(tmp_path, *NO_TEXT), strict=True):
        assert ended.code == 2, (command, ended.err)
        assert b"Traceback" not in ended.err, command
        assert ended.err.strip(), command


def test_an_id_that_is_no_text_is_not_there(tmp_path: Path) -> None:
    configured(tmp_path)
    commands: list[list[str | bytes]] = [
        ["jobs", NOT_UTF_8],
        ["pick", NOT_UTF_8, "1"],
        *([name, NOT_UTF_8] for name in ("cancel", "redeliver", "events")),
    ]
    for command, ended in zip(commands, gridhook(tmp_path, *commands), strict=True):
        assert (ended.code, ended.err[:22]) == (1, b"gridhook: there is no "), (command, ended.err)


def test_a_configuration_may_have_any_name_and_place(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m"))
    folder.mkdir()
    name = b"\xfe.toml"
    configured(folder).rename(Path(os.fsdecode(os.fsencode(folder) + b"/" + name)))
    file = os.fsencode(folder) + b"/" + name
    commands = [["jobs"], ["check"], ["check", "--json"], ["migrate"], ["costs", "--json"]]
    named: list[list[str | bytes]] = [[*words, "--config", file] for words in commands]
    given = gridhook(tmp_path, *named)
    for ended in [*given, *gridhook(tmp_path, *commands, env={"GRIDHOOK_CONFIG": file})]:
        assert (ended.code, b"Traceback" in ended.err) == (0, False), ended.err
        assert b"\x1b" not in ended.out + ended.err
    assert msgspec.json.decode(given[2].out)["file"].endswith("/\ufffd.toml")
    (made,) = gridhook(tmp_path, ["init", "--config", os.fsencode(folder) + b"/new\xff.toml"])
    assert made.code == 0
