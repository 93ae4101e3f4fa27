"""A real gridhook process on a real file, started as a user starts it, and ended as nobody wants it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

#: For the API.
TOKEN = "a-token-for-the-api-0123456789"
#: What JourneyAPI echoes.
HOOK_SECRET = "hook-secret-0123456789"
#: What every configuration here begins with; `public_url` is where the server listens.
TOP = """
public_url = "{url}"
database = "sqlite:///gridhook.db"

[server]
admin_token = "env:ADMIN_TOKEN"
"""
#: An account at JourneyAPI.
JOURNEY = """
[sources.journey]
provider = "journeyapi"
api_key = "env:JOURNEY_KEY"
secrets = ["env:HOOK_SECRET"]
base_url = "{vendor}/api/v1"
{more}
"""
#: Each pick is enlarged.
AUTO_HD = """
[[rules]]
name = "auto-hd"
when = { type = "job.completed", action = "pick" }
then = { action = "upscale", kind = "2x" }
"""
#: Ports below those that the system gives to outgoing connections: nobody takes one while a server is restarted.
PORTS = (20_000, 32_000)
#: The longest that anything here waits for, seconds.
PATIENCE = 40.0
#: Between two looks, seconds.
LOOK_EVERY = 0.02
LOG_SHOWN = 6000


class Server:
    """One gridhook after another on the same folder and port; `url` stays the same."""

    def __init__(self, folder: Path, port: int, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.database = folder / "gridhook.db"
        self.log = folder / "server.log"
        self._port = port
        self.env = {**os.environ, "ADMIN_TOKEN": TOKEN, "JOURNEY_KEY": "key", "HOOK_SECRET": HOOK_SECRET, **env}
        self._process: asyncio.subprocess.Process | None = None
        self._client: httpx.AsyncClient | None = None

    # --- its life

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def client(self) -> httpx.AsyncClient:
        """Calls the process that runs."""
        assert self._client is not None, "the server does not run"
        return self._client

    async def start(self, *options: str, program: Sequence[str] | None = None, err: int | None = None) -> None:
        """Starts it and waits until it can keep what arrives. `options` are those of `gridhook serve`."""
        self._process = await self.spawn("serve", "--port", str(self._port), *options, program=program, err=err)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, limits=limits, trust_env=False)
        await self.ready()

    async def spawn(
        self,
        *arguments: str,
        program: Sequence[str] | None = None,
        out: int | None = None,
        err: int | None = None,
        config: bool = True,
    ) -> asyncio.subprocess.Process:
        """Runs the command line on this configuration; what it says goes to the log, or to `out` and `err`."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(program or executable()),
                *arguments,
                *(("--config", str(self.folder / "gridhook.toml")) if config else ()),
                cwd=self.folder,
                env=self.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log if out is None else out,
                stderr=log if err is None else err,
            )

    async def ready(self, status: int = 200) -> httpx.Response:
        """Waits until it says that it can keep what arrives, or with 503 that it cannot; gives the answer."""
        process, client = self._process, self.client
        ends = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.get("/readyz")
                if answer.status_code == status:
                    return answer
            assert process is None or process.returncode is None, "the server ended"
            assert time.monotonic() < ends, f"waited in vain for {status} from /readyz"
            await asyncio.sleep(LOOK_EVERY)

    async def kill9(self) -> None:
        """Ends it without a warning, and waits until it is gone."""
        await self._end(signal.SIGKILL)

    async def sigterm(self) -> int:
        """Asks it to end; gives its exit code."""
        return await self._end(signal.SIGTERM)

    def send(self, one: signal.Signals) -> None:
        """Sends it a signal."""
        os.kill(self.pid, one)

    async def ended(self) -> int:
        """Waits until it has ended by itself; returns its exit code."""
        return await self._end(None)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The whole lines of its log that tell of an event."""
        lines = self.log.read_bytes().split(b"\n")[:-1]
        return [line for text in lines if event.encode() in text and (line := json.loads(text))["event"] == event]

    async def restart(self) -> None:
        """Ends it in good order and starts it again."""
        assert await self.sigterm() == 0
        await self.start()

    async def close(self) -> None:
        """Makes sure that nothing runs any more."""
        if self._process is not None:
            await self.kill9()

    async def _end(self, how: signal.Signals | None) -> int:
        process, client = self._process, self._client
        assert process is not None, "the server does not run"
        if how is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(how)
        code = await process.wait()
        self._process = self._client = None
        if client is not None:
            await client.aclose()
        return code

    # --- what it is asked

    async def post(self, path: str, content: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A webhook; with JourneyAPI's right secret if no headers are given."""
        said = {"x-webhook-secret": HOOK_SECRET} if headers is None else headers
        return await self.client.post(path, content=content, headers={"content-type": "application/json", **said})

    async def api(self, path: str, body: object = None) -> Any:
        """The JSON answer of the API; a POST if there is a body."""
        method = "GET" if body is None else "POST"
        headers = {"authorization": f"Bearer {TOKEN}"}
        answer = await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    # --- what is in its file

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the database, beside the running server."""
        return read(self.database, sql, *values)

    def snapshot(self, folder: Path) -> Path:
        """A copy of the file as a killed server left it, its write-ahead log included; the original is not opened."""
        assert self._process is None, "only what nobody writes can be copied"
        folder.mkdir()
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{self.database}{suffix}", folder)
        return folder / self.database.name

    def calm(self) -> bool:
        """Whether no delivery waits or is on its way."""
        return self.rows("SELECT count(*) FROM deliveries WHERE state IN ('pending', 'running')") == [(0,)]


def read(database: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a database file."""
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as db:
        return db.execute(sql, values).fetchall()


async def until(holds: Callable[[], bool], what: str) -> None:
    """Waits until it is so; fails with `what` when the patience is at its end."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, f"waited in vain until {what}"
        await asyncio.sleep(LOOK_EVERY)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    first, last = PORTS
    while True:
        port = first + secrets.randbelow(last - first)
        with contextlib.suppress(OSError), contextlib.closing(socket.create_server(("127.0.0.1", port))):
            return port


@asynccontextmanager
async def serving(
    folder: Path, toml: str, *options: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """A server on a configuration that begins with TOP; no process is left, and a failure shows the server's log."""
    server = Server(folder, free_port(), env or {})
    (folder / "gridhook.toml").write_text(TOP.format(url=server.url) + toml)
    try:
        await server.start(*options)
        yield server
    except BaseException as wrong:
        log = server.log.read_text(errors="replace") if server.log.exists() else ""
        wrong.add_note(f"--- the server's log ends with:\n{log[-LOG_SHOWN:]}")
        raise
    finally:
        await server.close()


def executable() -> list[str]:
    """The console script; the module where the program is not installed."""
    found = shutil.which("gridhook")
    return [found] if found else [sys.executable, "-m", "receiver"]
