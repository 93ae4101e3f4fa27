"""A small gridhook in one process: a real store, a clock that a test moves, vendor and sinks behind a mock network."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from handlers.http.foreign import GuardedClient
from handlers.http.transport import HttpTransport
from handlers.order import OrderHandler
from receiver.contracts import (
    Database,
    Filters,
    Request,
    Sink,
    Source,
)
from receiver.contracts.setup import Limits, Setup
from receiver.errors import StoreRefused
from receiver.flows import intake
from receiver.lib.ids import Ids
from receiver.model.deliveries import sink_lane
from receiver.model.jobs import Job, Then
from receiver.model.rules import Rule
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.workers.dispatcher import Dispatcher
from receiver.workers.order_outcomes import recover
from receiver.workers.orders import OrderCarrier
from receiver.workers.reconciler import Reconciler
from receiver.workers.settling import Settler
from receiver.workers.sinks import SinkCarrier
from support.records import NOW, a_source
from support.stores import a_store, a_transaction

AUTO_HD = Rule(
    name="auto-hd",
    when={"type": "job.completed", "action": "pick"},
    to=(),
    then=(Then(action="upscale", params={"kind": "2x"}),),
)
TELL = Rule(name="tell", when={"type": ["job.completed", "job.failed", "job.unsure"]}, to=("team",))
PICKED = {
    "task_id": "772a0622-a41d-63f6-c938-668877662222",
    "task_type": "upscale-1x",
    "model": "midjourney",
    "status": "finished",
    "image_url": "https://cdn.midjourney.com/def456/0_1.png",
}


class Clock:
    """The present in Unix ms; stands still until a test moves it."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Moves the present on."""
        self.now += int(seconds * 1000)


def memory_transaction(clock: Clock | None = None) -> SqliteTransaction:
    """A transaction on an empty database, in memory unless the test is run on another engine; ends the one before."""
    return a_transaction(Ids(clock or Clock()))


def a_request(body: object, source: str = "journey", *, token: str | None = None, signed: bool = True) -> Request:
    """A webhook as a vendor posts it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"x-webhook-secret": "hook-secret"} if signed else {}
    return Request(source=source, headers=headers, body=raw, path_token=token, received_at=NOW)


#: Where foreign names lead.
PUBLIC = "93.184.216.34"
Answering = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


def accepting() -> Answering:
    """A vendor that takes every order, under a new id each."""
    count = iter(range(1, 1000))
    return lambda request: httpx.Response(200, json={"task_id": f"order-{next(count)}"})


class World:
    """Store, flows and a mock network; `calls` are the HTTP calls that were made."""

    def __init__(self, store: Database, setup: Setup, clock: Clock, sinks: Mapping[str, Sink]) -> None:
        self.store = store
        self.setup = setup
        self.clock = clock
        self.sinks = sinks
        self.calls: list[httpx.Request] = []
        self.answer: Answering = accepting()
        self.transport = HttpTransport(httpx.MockTransport(self._answer))
        #: Where relative paths of the configuration start.
        self.folder = Path()
        self.dispatcher: Dispatcher | None = None
        self.reconciler: Reconciler | None = None

    async def look_up(self, host: str, port: int) -> list[str]:
        """Every name leads to a public place."""
        return [PUBLIC]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        answer = self.answer(request)
        return answer if isinstance(answer, httpx.Response) else await answer

    @property
    def orders(self) -> list[dict[str, Any]]:
        """The bodies of the orders that the vendor got."""
        return [json.loads(request.content) for request in self.calls if request.url.host == "api.journeyapi.test"]

    async def webhook(self, body: object, source: str = "journey", *, token: str | None = None) -> intake.IntakeResult:
        """Takes a webhook in, from verification to commit."""
        request = msgspec.structs.replace(a_request(body, source, token=token), received_at=self.clock())
        account = self.setup.sources[source]
        return await intake.receive(request, account, self.store, self.setup)

    async def jobs(self) -> list[Job]:
        """Every job, oldest first."""
        kept = await self.store.read(lambda tx: tx.jobs(Filters(limit=500)))
        return [one.job for one in reversed(kept)]

    async def tick(self, seconds: float) -> None:
        """Lets time pass, and wakes what waits for it."""
        self.clock.pass_by(seconds)
        await self.store.write(lambda tx: None)

    async def until(self, holds: Callable[[list[Job]], bool]) -> list[Job]:
        """Waits for commits until the jobs are so."""
        watch = self.store.watch()
        try:
            while not holds(jobs := await self.jobs()):
                assert await watch.wait(20), jobs
        finally:
            watch.close()
        return jobs

    def start(self) -> None:
        """Starts to dispatch."""
        self.settler = Settler(self.store)
        lanes = [
            SinkCarrier(
                self.store,
                self.settler,
                self.setup,
                sink,
                self.transport,
                self.clock,
                lambda: 0.5,
                foreign=GuardedClient(self.transport, (), self.look_up),
                folder=self.folder,
            ).lane(sink_lane(name))
            for name, sink in self.sinks.items()
        ]
        for source in self.setup.sources.values():
            sender = OrderHandler(self.transport)
            carrier = OrderCarrier(
                self.store, self.setup, source, sender, "https://hooks.test", self.clock, lambda: 0.5
            )
            lanes.append(carrier.lane())
        self.dispatcher = Dispatcher(self.store, lanes, self.clock)
        self.dispatcher.start()
        self.reconciler = Reconciler(self.store, self.setup, self.transport, self.clock)
        self.reconciler.start()

    async def stop(self, grace: float = 5.0) -> None:
        """Stops dispatching and looking."""
        if self.reconciler is not None:
            await self.reconciler.stop()
            self.reconciler = None
        if self.dispatcher is not None:
            await self.dispatcher.stop(grace)
            self.dispatcher = None
            self.settler.close()


@asynccontextmanager
async def world(
    path: Path,
    *,
    rules: tuple[Rule, ...] = (AUTO_HD,),
    sources: tuple[Source, ...] | None = None,
    sinks: Mapping[str, Sink] | None = None,
    dispatch: bool = True,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[World]:
    """Opens a world on a file, as after a restart if it was there before."""
    clock = clock or Clock()
    accounts = sources or (a_source(),)
    setup = Setup(
        sources={source.name: source for source in accounts},
        rules=rules,
        limits=limits or Limits(),
        sinks=frozenset(sinks or {}),
        archives=tuple(name for name, sink in (sinks or {}).items() if sink.handler.archives),
    )
    async with a_store(path / "gridhook.db", clock) as store:
        with contextlib.suppress(StoreRefused):  # another world has it: that one leads
            await store.own_dispatching()
        await store.write(lambda tx: recover(tx, setup, clock()))
        opened = World(store, setup, clock, sinks or {})
        opened.folder = path
        if dispatch:
            opened.start()
        try:
            yield opened
        finally:
            await opened.stop()
            await opened.transport.aclose()


async def eventually(holds: Callable[[], bool], world: World) -> None:
    """Waits for commits until something is so."""
    watch = world.store.watch()
    async with asyncio.timeout(20):
        while not holds():
            await watch.wait(0.05)
    watch.close()
