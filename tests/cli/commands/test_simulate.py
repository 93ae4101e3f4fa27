"""`simulate`: a preset is played by a real process, which tells what happens and takes switches as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

import receiver
from cli.parts import bare, done, process, run, values
from receiver.app import read_config
from support.server import free_port

OWN = """
[paths]
id = "nr"
status = "state"
images = "files[*]"
[orders.imagine]
url = "https://heron.example/pieces"
headers = { x-key = "{key}" }
body = '{"prompt": "{prompt}", "hook": "{webhook_url}"}'
"""


@contextmanager
def played(folder: Path, *args: str) -> Iterator[tuple[str, IO[str], Iterator[str]]]:
    """A pretend vendor: the source that it prints, where switches are typed, and the lines that it then tells."""
    command = [sys.executable, "-m", "receiver", "simulate", *args]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, text=True, stdin=pipe, stdout=pipe, env=environment()) as started:
        try:
            assert started.stdin is not None
            assert started.stdout is not None
            lines = iter(started.stdout)
            source: list[str] = []
            while not any(line.startswith(("secrets", "verify")) for line in source):
                line = next(lines)
                source += [line] if line.strip() and "pretended" not in line else []
            yield "".join(source), started.stdin, lines
        finally:
            started.kill()


def environment() -> dict[str, str]:
    """That of this process, with this checkout on the path."""
    return {**os.environ, "PYTHONPATH": str(Path(receiver.__file__).parent.parent), "COLUMNS": "200"}


def until(lines: Iterator[str], said: str) -> str:
    """The first line that says this."""
    return next(line for line in lines if said in line)


def test_gridhook_orders_at_a_played_preset_and_takes_its_signed_webhook(tmp_path: Path) -> None:
    with played(tmp_path, "fal", "--pace", "0.1", "--steps", "0") as (source, typed, lines):
        assert tomllib.loads(source)["sources"]["fal"]["verify"]["keys_url"].endswith("/.well-known/jwks.json")
        text = f'public_url = "http://127.0.0.1:PORT"\n[server]\nport = PORT\n{source}\n[sinks.log]\nhandler = "log"\n'
        port = str(free_port())
        (tmp_path / "gridhook.toml").write_text(text.replace("PORT", port))
        with process(tmp_path, "serve", until="server.started"):
            shown = values(run(tmp_path, "submit", "fal", "imagine", "--prompt", "a cat", "--json"))
            assert shown[0]["status"] == "planned"
            assert ": answered 200" in until(lines, "order imagine")
            told = until(lines, "webhook completed")
            assert f": answered 200 (http://127.0.0.1:{port}/in/fal/" in told
            typed.write("lose always\nloose 5\n")
            typed.flush()
            assert "lose always: from now on" in until(lines, "lose")
            assert "there is no switch 'loose'" in until(lines, "loose")
            run(tmp_path, "submit", "fal", "imagine", "--prompt", "a dog")
            assert "lost on purpose" in until(lines, "webhook completed")
        [job, *_] = values(run(tmp_path, "jobs", "--status", "completed", "--json"))
        assert job["images"][0]["url"].startswith("http://127.0.0.1:")


def test_a_preset_of_ones_own_is_played_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN + '[verify]\nscheme = "hmac-sha256"\n')
    with played(tmp_path, "mine.toml", "--pace", "0", "--steps", "0") as (source, _, lines):
        (tmp_path / "gridhook.toml").write_text(f'public_url = "https://hooks.example"\n{source}')
        account = read_config(tmp_path / "gridhook.toml", {}).sources["mine"]
        body = json.dumps({"prompt": "a cat", "hook": "http://127.0.0.1:9/in/mine/ref"}).encode()
        request = urllib.request.Request(  # noqa: S310  # on loopback
            f"{account.base_url}/pieces", data=body, headers={"x-key": "any-key"}, method="POST"
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310  # on loopback
            number = json.load(answer)["nr"]
        assert f"order imagine {number}: answered 200" in until(lines, "order")
        assert f"webhook completed {number}: no answer" in until(lines, "webhook")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["replicat"], 'did you mean "replicate"?'),
        (["replicate", "--lose", "often"], "is no share"),
        (["replicate", "--order-failure", "418@5%"], "no fault is called '418'"),
        (["replicate", "--order-failure", "418"], "no fault is called '418'"),
        (["./none.toml"], "there is no such file"),
    ],
)
def test_what_cannot_be_played_is_a_sentence(args: list[str], said: str) -> None:
    result = bare("simulate", *args)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_its_help_names_the_switches() -> None:
    assert "--lose" in done(bare("simulate", "--help"))
