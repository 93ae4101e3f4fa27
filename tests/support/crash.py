"""A gridhook that is killed at a chosen commit: a warm process forks one life after the other on the same file.

Run as a program: each line of its input is a `Life` as JSON, each line of its output says what a life has come to.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiosqlite
import msgspec
import structlog

from handlers.http.transport import HttpTransport
from handlers.order import OrderHandler
from receiver.config import Config, ServerSettings
from receiver.contracts import (
    Answer,
    Call,
    Filters,
    Request,
    Source,
    Transaction,
)
from receiver.contracts.options import NoOptions
from receiver.contracts.setup import Setup
from receiver.flows import intake
from receiver.lib.signatures import Secret
from receiver.lib.times import system_clock
from receiver.model.jobs import TERMINAL, Then
from receiver.model.rules import Rule
from receiver.pretend.loopback import serve
from receiver.providers.apiframe import Apiframe
from receiver.providers.journeyapi import JourneyAPI
from receiver.store.sqlite.store import SqliteStore
from receiver.web.application import application
from receiver.workers import order_outcomes, reconciler
from receiver.workers.dispatcher import Dispatcher
from receiver.workers.order_outcomes import recover
from receiver.workers.orders import OrderCarrier
from receiver.workers.reconciler import Reconciler

SECRET: Final = "hook-secret"
#: What is ordered when a parent is completed: for each vendor a follow-up that it has.
RULES: Final[dict[str, Rule]] = {
    "journeyapi": Rule(
        name="auto-hd",
        when={"type": "job.completed", "action": "pick"},
        then=(Then(action="upscale", params={"kind": "2x"}),),
    ),
    "apiframe": Rule(
        name="auto-pick",
        when={"type": "job.completed", "action": "imagine"},
        then=(Then(action="pick", params={"index": 2}),),
    ),
}
#: Waits that tests cannot afford, seconds.
SHORT: Final = 0.02


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One process from its start to its end."""

    vendor: str
    #: Where the vendor's API stands.
    base_url: str
    database: str
    #: Where webhooks are taken; 0 = the vendor is asked instead.
    port: int
    #: Webhooks about finished parents that have not been acknowledged yet, by task.
    parents: dict[str, str]
    #: At which of its boundaries it is killed; 0 = at none.
    kill_at: int


class Reaper:
    """Counts boundaries, and kills this process at the one that was chosen."""

    def __init__(self) -> None:
        self.kill_at = 0
        self._passed = 0

    def boundary(self) -> None:
        """A moment right before or after something that matters. Called on any thread."""
        self._passed += 1
        if self._passed == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()


REAPER: Final = Reaper()


class Deadly(sqlite3.Connection):
    """A connection whose commits are boundaries on both sides."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """One statement."""
        if sql != "COMMIT":
            return super().execute(sql, *values)
        REAPER.boundary()
        done = super().execute(sql, *values)
        REAPER.boundary()
        return done

    def executescript(self, script: str) -> sqlite3.Cursor:
        """A migration."""
        REAPER.boundary()
        done = super().executescript(script)
        REAPER.boundary()
        return done


class DeadlyTransport(HttpTransport):
    """A transport whose paid calls are boundaries on both sides."""

    async def send(
        self, call: Call, seconds: float, *, paid: bool = False, may_go: Callable[[], bool] | None = None
    ) -> Answer:
        """The answer to a call."""
        if not paid:
            return await super().send(call, seconds)
        REAPER.boundary()
        answer = await super().send(call, seconds, paid=True, may_go=may_go)
        REAPER.boundary()
        return answer


def say(word: str, what: str = "") -> None:
    """One line to whoever reads; it is out before anything else happens."""
    os.write(1, f"{word} {what}\n".encode())


def setup_of(life: Life) -> Setup:
    """One account at the vendor, and the rule."""
    webhooks = life.port != 0
    common: dict[str, Any] = {
        "base_url": life.base_url,
        "api_key": Secret("key"),
        "poll_after": 10.0 if webhooks else SHORT,
        "poll_every": SHORT,
        "webhooks": webhooks,
        "concurrency": 2,
    }
    if life.vendor == "apiframe":
        source = Source(name="source", provider=Apiframe(NoOptions()), **common)
    else:
        provider = JourneyAPI(NoOptions())
        source = Source(name="source", provider=provider, secrets=(Secret(SECRET),), **common)
    return Setup(sources={"source": source}, rules=(RULES[life.vendor],))


async def live(life: Life, transport: HttpTransport) -> None:
    """Takes webhooks in, orders, looks; says when nothing is left to do, and goes on until it is ended."""
    setup = setup_of(life)
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(SqliteStore(Path(life.database), system_clock))
        await store.own_dispatching()
        await store.write(lambda tx: recover(tx, setup, system_clock()))
        url = f"http://127.0.0.1:{life.port}"
        sender = OrderHandler(transport)
        carrier = OrderCarrier(store, setup, setup.sources["source"], sender, url, system_clock, lambda: 0.5)
        if life.port:
            config = Config(
                file="crash.toml",
                folder=Path(life.database).parent,
                public_url=url,
                database=life.database,
                server=ServerSettings(),
                sources=dict(setup.sources),
                rules=setup.rules,
            )
            await stack.enter_async_context(serve(application(store, setup, config, system_clock), port=life.port))
        Dispatcher(store, [carrier.lane()], system_clock).start()
        Reconciler(store, setup, transport, system_clock).start()
        await _take(store, setup, life)
        await _calm(store)
        REAPER.kill_at = 0
        say("calm")
        await asyncio.Event().wait()


async def _take(store: SqliteStore, setup: Setup, life: Life) -> None:
    """One webhook after the other, each acknowledged once it is kept."""
    source = setup.sources["source"]
    for task, body in life.parents.items():
        request = Request(source="source", headers={}, body=body.encode(), received_at=system_clock())
        await intake.keep(intake.read(request, intake.Verification(proof="secret"), source), store, setup)
        say("taken", task)


async def _calm(store: SqliteStore) -> None:
    watch = store.watch()
    while not await store.read(_is_calm):
        await watch.wait(1)


def _is_calm(tx: Transaction) -> bool:
    jobs = tx.jobs(Filters(limit=500))
    over = all(kept.job.status in {*TERMINAL, "unsure"} for kept in jobs)
    return over and not any(tx.deliveries(Filters(status=status, limit=1)) for status in ("running", "pending"))


def main() -> None:
    """Forks a life for each line, and says how each ended."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    aiosqlite.connect = partial(aiosqlite.connect, factory=Deadly)
    order_outcomes.RETRY = (SHORT,) * len(order_outcomes.RETRY)  # type: ignore[misc, assignment]  # waits that tests cannot afford
    reconciler.GAP = SHORT  # type: ignore[misc]  # the same
    transport = DeadlyTransport()
    for line in sys.stdin:
        life = msgspec.json.decode(line, type=Life)
        child = os.fork()
        if child == 0:
            REAPER.kill_at = life.kill_at
            asyncio.run(live(life, transport))
            os._exit(0)
        say("born", str(child))
        _, status = os.waitpid(child, 0)
        say("dead", str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
