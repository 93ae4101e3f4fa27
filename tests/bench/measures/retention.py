"""Retention: answers at half of the highest rate while an old past is pruned, and the file before and after."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench.contestants import gridhook
from bench.contestants.contestant import Command, Contestant
from bench.errors import BenchError
from bench.load.driving import Answers
from bench.load.generators import aimed, drive
from bench.load.histogram import Latency
from bench.machine.servers import RunningServer, serving
from bench.measures.contest import Plan
from bench.measures.growth import fill
from bench.progress import Say
from receiver.lib import ids
from receiver.lib.times import system_clock

#: What is pruned: all but the newest of a past that is spread over a month.
RETENTION: Final = 'retention = "1h"\n'
HOUR: Final = 3_600_000
#: How long it takes at most until pruning begins; and until it ends, for each event, seconds.
BEGINS: Final = 60.0
PATIENCE: Final = 120.0
PATIENCE_EACH: Final = 0.005
LOOK_EVERY: Final = 0.05
#: At most so many seconds at the highest rate.
LOADED: Final = 1.5
#: What the server says after a pass.
DONE: Final = b"retention.pruned"


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    """One past, pruned under load."""

    events: int
    #: Requests a second: half of the highest rate on the full database.
    rate: float
    #: Answers while nothing was pruned, and while it was.
    quiet: Latency
    pruning: Latency
    quiet_pause_ms: float
    pruning_pause_ms: float
    errors: int
    #: Old jobs that went while the load lasted, and the seconds of that.
    pruned_meanwhile: int
    seconds: float
    #: From the first step to the end of the pass, the file made smaller, load included.
    whole_seconds: float
    #: Size of the file right before it was pruned and after that, MB (1,000,000 bytes).
    before_mb: float
    after_mb: float

    @property
    def ratio(self) -> float:
        """p99 while it was pruned as a multiple of p99 while it was not."""
        return self.pruning.p99 / self.quiet.p99 if self.quiet.p99 else 0.0


def retention(plan: Plan, count: int, say: Say) -> Retained:
    """Fills a database with `count` old events and returns what pruning them cost. Raises BenchError."""
    folder = plan.folder / "retention"
    database = folder / gridhook.DATABASE
    try:
        fill(folder, plan, count, say)
        _settle(database)
        with serving(_keeping(""), folder, plan.cores.server) as server:
            highest = _load(server, plan, min(LOADED, plan.seconds), None)
            quiet = _load(server, plan, plan.seconds, highest.rate / 2)
            server.stop()
        before = database.stat().st_size
        say(f"half of the highest rate is {highest.rate / 2:,.0f}/s, p99 {quiet.histogram().latency().p99:.1f} ms")
        old = _old(database)
        with serving(_keeping(RETENTION), folder, plan.cores.server) as server:
            _wait_until_begun(database, old, server)
            began = time.monotonic()
            left = _old(database)
            busy = _load(server, plan, plan.seconds, highest.rate / 2)
            pruned = left - _old(database)
            say(f"p99 {busy.histogram().latency().p99:.1f} ms while {pruned:,} old jobs were pruned")
            _wait_until_done(server, began + PATIENCE + count * PATIENCE_EACH)
            took = time.monotonic() - began
            server.stop()
        return Retained(
            events=count,
            rate=highest.rate / 2,
            quiet=quiet.histogram().latency(),
            pruning=busy.histogram().latency(),
            quiet_pause_ms=quiet.silence_ms,
            pruning_pause_ms=busy.silence_ms,
            errors=quiet.errors + busy.errors,
            pruned_meanwhile=pruned,
            seconds=busy.seconds,
            whole_seconds=took,
            before_mb=before / 1e6,
            after_mb=database.stat().st_size / 1e6,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keeping(retention_line: str) -> Contestant:
    """Returns gridhook in both roles, so that it prunes; without sinks, so that nothing else goes on."""

    def prepare(folder: Path, port: int) -> Command:
        return gridhook.start(folder, port, retention_line + gridhook.configuration(port, sinks=()), "all")

    return msgspec.structs.replace(gridhook.GRIDHOOK, prepare=prepare)


def _load(server: RunningServer, plan: Plan, seconds: float, rate: float | None) -> Answers:
    load = aimed(gridhook.GRIDHOOK, server, seconds, plan.connections)
    return drive(msgspec.structs.replace(load, rate=rate), plan.cores.load, server.folder)


def _settle(database: Path) -> None:
    """The copied deliveries were made long ago, so their last try was too; on a busy machine it may not be over yet."""
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE deliveries SET due_at = 0, state = 'done'")


def _old(database: Path) -> int:
    """Returns how many jobs are old enough to be pruned."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        before = ids.first_at(system_clock() - HOUR)
        return int(db.execute("SELECT count(*) FROM jobs WHERE number < ?", (before,)).fetchone()[0])


def _wait_until_begun(database: Path, old: int, server: RunningServer) -> None:
    _wait(server, time.monotonic() + BEGINS, lambda: _old(database) < old, "prune")


def _wait_until_done(server: RunningServer, ends: float) -> None:
    log = server.folder / "server.log"
    _wait(server, ends, lambda: DONE in log.read_bytes(), "end pruning")


def _wait(server: RunningServer, ends: float, is_so: Callable[[], bool], what: str) -> None:
    while not is_so():
        if not server.running or time.monotonic() > ends:
            raise BenchError(f"gridhook did not {what}; it said:\n{server.log()}")
        time.sleep(LOOK_EVERY)
