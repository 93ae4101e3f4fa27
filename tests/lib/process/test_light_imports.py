"""What is loaded when: a command must not pay for what only another one needs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import receiver
from cli.parts import configured
from receiver.lib.process.light_imports import without

#: Nothing of ours needs these to start; those that are installed come with other libraries, or with the tests.
NEVER = frozenset(
    {"rich", "pygments", "PIL", "pydantic", "hypothesis", "opentelemetry", "pytest", "attr", "yaml", "unittest"}
)
#: What only the server, or only calls to the outside, need.
LATER = frozenset({"starlette", "anyio", "uvicorn", "uvloop", "httptools", "prometheus_client", "jinja2"})
#: What only calls need: the first over TLS, and those through a proxy.
HTTP = frozenset({"httpx", "httpcore", "h11", "certifi"})
#: `main`, which says at its end what is loaded, and how many objects the garbage collector leaves alone.
TELLING = """\
import atexit, gc, sys
atexit.register(lambda: print(gc.get_freeze_count(), *sys.modules))
from receiver.app import main
main()
"""


@contextlib.contextmanager
def python(folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """An interpreter on this gridhook."""
    env = {**os.environ, "PYTHONPATH": str(Path(receiver.__file__).parent.parent)}
    command = [sys.executable, *args]
    with subprocess.Popen(command, cwd=folder, env=env, text=True, stdout=-1, stderr=-1) as started:
        try:
            yield started
        finally:
            started.kill()


def told(folder: Path, *args: str) -> list[str]:
    """The words that an interpreter prints."""
    with python(folder, *args) as started:
        out, err = started.communicate(timeout=50)
        assert started.returncode == 0, err
        return out.splitlines()[-1].split()


def packages(modules: list[str]) -> set[str]:
    """The packages that they are of."""
    return {name.partition(".")[0] for name in modules}


def test_the_program_loads_nothing_that_only_some_commands_need(tmp_path: Path) -> None:
    loaded = packages(told(tmp_path, "-c", "import sys, receiver.app; print(*sys.modules)"))
    assert {"receiver", "msgspec", "structlog", "typer", "aiosqlite"} <= loaded
    assert not loaded & (NEVER | LATER | HTTP)


def test_a_list_loads_neither_the_server_nor_the_terminal(tmp_path: Path) -> None:
    configured(tmp_path)
    _frozen, *modules = told(tmp_path, "-c", TELLING, "jobs")
    assert "receiver.cli.commands.lists" in modules
    assert not packages(modules) & (NEVER | LATER | HTTP)


def test_a_server_loads_nothing_but_what_it_serves_with_and_settles(tmp_path: Path) -> None:
    configured(tmp_path)
    with python(tmp_path, "-c", TELLING, "serve") as server:
        assert server.stderr is not None
        assert any("server.started" in line for line in server.stderr)
        server.send_signal(signal.SIGTERM)
        out, _ = server.communicate(timeout=50)
        frozen, *modules = out.split()
    assert packages(modules) >= LATER
    assert not packages(modules) & (NEVER | HTTP)
    assert not {"receiver.demo", "starlette.testclient"} & set(modules)
    assert int(frozen) > 10_000


def test_what_is_hidden_cannot_be_imported_until_it_is_shown_again() -> None:
    name = "tabnanny"
    sys.modules.pop(name, None)
    with without(name), pytest.raises(ImportError):
        import_module(name)
    assert import_module(name).__name__ == name


def test_what_is_loaded_already_is_not_hidden() -> None:
    with without("pytest"):
        assert import_module("pytest") is pytest
    assert sys.modules["pytest"] is pytest
