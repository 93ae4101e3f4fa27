"""Whoever reads our output may stand still or be gone: that costs lines, never work, and no end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from receiver.pretend.loopback import serve
from support.picks import pick, task_id, vendor_knowing
from support.server import JOURNEY, PATIENCE, TOP, Server, free_port, serving, until

NO_VENDOR = JOURNEY.format(vendor="http://127.0.0.1:9", more="")
LOGGED = """
[sinks.log]
handler = "log"

[[rules]]
when = { type = "job.completed" }
to = ["log"]
"""
#: Closes these of its descriptors and becomes another program.
CLOSED = "import os, sys; [os.close(int(one)) for one in sys.argv[1]]; os.execv(sys.argv[2], sys.argv[2:])"
#: A second for the flush at the end, and what a busy machine takes.
SOON = 15


class Pipe:
    """A pipe that holds a page, and of which nothing is read until it is asked for."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()
        fcntl.fcntl(self.into, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(self.out, False)
        self.read = b""

    def look(self, word: bytes) -> bool:
        """Reads what is there; whether the word has come by now."""
        with contextlib.suppress(BlockingIOError):
            self.read += os.read(self.out, 65536)
        return word in self.read

    def rest(self) -> bytes:
        """All that was ever in it, once nobody writes any more."""
        os.close(self.into)
        self.into = -1
        while piece := os.read(self.out, 65536):
            self.read += piece
        return self.read

    def close(self) -> None:
        """Closes both ends."""
        os.close(self.out)
        if self.into >= 0:
            os.close(self.into)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


@contextlib.asynccontextmanager
async def a_server(folder: Path, pipe: Pipe) -> AsyncIterator[Server]:
    """A server whose log goes into the pipe."""
    server = Server(folder, free_port(), {})
    (folder / "gridhook.toml").write_text(TOP.format(url=server.url) + NO_VENDOR + LOGGED)
    try:
        await server.start(err=pipe.into)
        yield server
    finally:
        await server.close()


async def test_a_log_that_nobody_reads_holds_up_neither_webhooks_nor_the_end(tmp_path: Path, pipe: Pipe) -> None:
    async with a_server(tmp_path, pipe) as server:
        for number in range(200):
            assert (await server.post("/in/journey", pick(task_id(number)))).status_code == 200
        began = time.monotonic()
        assert await server.sigterm() == 0
        assert time.monotonic() - began < 8


async def test_what_the_log_sink_says_is_done_is_written(tmp_path: Path, pipe: Pipe) -> None:
    async with a_server(tmp_path, pipe) as server:
        for number in range(100):
            await server.post("/in/journey", pick(task_id(number)))
        await server.kill9()
        (done,) = server.rows("SELECT count(*) FROM deliveries WHERE state = 'done'")
        written = pipe.rest().count(b'"event":"event.logged"')
    assert done[0] <= written < 100


@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
async def test_descriptors_that_are_closed_at_the_start_are_no_trouble(tmp_path: Path, closed: str) -> None:
    server = Server(tmp_path, free_port(), {})
    (tmp_path / "gridhook.toml").write_text(TOP.format(url=server.url) + NO_VENDOR + LOGGED)
    try:
        await server.start(program=(sys.executable, "-c", CLOSED, closed, sys.executable, "-m", "receiver"))
        assert (await server.post("/in/journey", pick(task_id(1)))).status_code == 200
        opened = [os.readlink(f"/proc/{server.pid}/fd/{number}") for number in closed]
        await until(server.calm, "the log sink has it")
        assert await server.sigterm() == 0
    finally:
        await server.close()
    assert set(opened) == {os.devnull}
    with contextlib.closing(sqlite3.connect(server.database)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM])
async def test_a_tail_that_nobody_reads_ends_when_it_is_told_to(
    tmp_path: Path, pipe: Pipe, one: signal.Signals
) -> None:
    async with serving(tmp_path, NO_VENDOR) as server:
        for number in range(30):
            await server.post("/in/journey", pick(task_id(number)))
        tail = await server.spawn("tail", "--since", "1h", "--json", out=pipe.into)
        await until(lambda: pipe.look(b"job.completed"), "it tells of events")
        tail.send_signal(one)
        assert await asyncio.wait_for(tail.wait(), SOON) in (0, -one)


async def test_a_tail_that_is_read_slowly_loses_nothing(tmp_path: Path, pipe: Pipe) -> None:
    async with serving(tmp_path, NO_VENDOR) as server:
        for number in range(30):
            await server.post("/in/journey", pick(task_id(number)))
        tail = await server.spawn("tail", "--since", "1h", "--json", out=pipe.into)
        await until(lambda: not pipe.look(b"never") and pipe.read.count(b"\n") == 30, "all is told")
        tail.terminate()
        await tail.wait()


async def test_a_progress_bar_that_nobody_reads_ends_with_ctrl_c(tmp_path: Path) -> None:
    vendor = vendor_knowing(pace=600.0)
    ours, theirs = pty.openpty()
    async with serve(vendor.app) as at_vendor, serving(tmp_path, JOURNEY.format(vendor=at_vendor, more="")) as server:
        command = ("submit", "journey", "imagine", "--prompt", "x", "--wait")
        waiting = await server.spawn(*command, out=asyncio.subprocess.DEVNULL, err=theirs)
        os.close(theirs)
        await until(lambda: len(vendor.bills) == 1, "it is ordered")
        # The bar is drawn ten times a second: the terminal's few kilobytes are full before long.
        await until(lambda: thread_waits_for_terminal(waiting.pid), "the terminal is full")
        waiting.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(waiting.wait(), SOON) == 1
    os.close(ours)


def thread_waits_for_terminal(pid: int) -> bool:
    """Whether some thread of a process is held up in a write to its terminal."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            if (task / "wchan").read_text() in ("n_tty_write", "wait_woken"):
                return True
    return False


async def test_a_demo_that_nobody_reads_ends_when_it_is_told_to(tmp_path: Path, pipe: Pipe) -> None:
    def found(pattern: str) -> bool:
        return any(tmp_path.glob(pattern))

    server = Server(tmp_path, free_port(), {"TMPDIR": str(tmp_path)})
    demo = await server.spawn("demo", out=pipe.into, err=asyncio.subprocess.DEVNULL, config=False)
    await until(lambda: found("gridhook-demo-*/gridhook.db"), "it is up")
    demo.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(demo.wait(), PATIENCE) == 0
    assert not found("gridhook-demo-*")
