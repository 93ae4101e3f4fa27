"""Composition: the only module that knows all the parts, and the handlers."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from receiver.cli import (
    Composition,
    Role,
    run,
)
from receiver.config import (
    Config,
    SinkSettings,
    load,
)
from receiver.config.settings import setup_of
from receiver.contracts import Sink, Transport
from receiver.lib import logs
from receiver.lib.steady_clock import SteadyClock
from receiver.lib.times import Clock
from receiver.model.deliveries import sink_lane
from receiver.providers import PROVIDERS
from receiver.store.sqlite.inspection import Inspection, inspect
from receiver.store.sqlite.store import SqliteStore
from receiver.workers.clock_watch import ClockWatch
from receiver.workers.dispatcher import Dispatcher, Lane
from receiver.workers.order_outcomes import recover
from receiver.workers.orders import OrderCarrier
from receiver.workers.reconciler import Reconciler
from receiver.workers.retention import Pruner
from receiver.workers.sinks import SinkCarrier

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from handlers.http import HttpTransport

#: Name in the configuration to where the class is; adding a handler is a module, a line here and a test.
HANDLERS: Final[dict[str, str]] = {
    "slack": "handlers.slack:Slack",
    "webhook": "handlers.webhook:Webhook",
    "log": "handlers.log:Log",
}
#: How long deliveries that run may finish at shutdown, seconds.
GRACE: Final = 10.0


class LazyClasses(Mapping[str, type[Any]]):
    """Classes by name, each imported when it is asked for: what no source or sink names is never loaded."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> type[Any]:
        module, _, attribute = self._places[name].partition(":")
        found: type[Any] = getattr(import_module(module), attribute)
        return found

    def __iter__(self) -> Any:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_config(path: Path, env: Mapping[str, str]) -> Config:
    """The configuration of a file. Raises ConfigError with every mistake in it."""
    return load(path, env, LazyClasses(PROVIDERS), LazyClasses(HANDLERS))


def database_file(config: Config) -> Path:
    """The SQLite file that the configuration names, absolute."""
    return Path(config.database.removeprefix("sqlite:///"))


class GridhookRuntime:
    """The running parts: store, dispatcher, transport, web application."""

    def __init__(self, config: Config, store: SqliteStore, clock: Clock) -> None:
        self.config = config
        self.store = store
        self.setup = setup_of(config)
        self.clock = clock
        self._dispatcher: Dispatcher | None = None
        self._reconciler: Reconciler | None = None
        self._upkeep: Pruner | None = None
        self._clock_watch: ClockWatch | None = None

    def web(self) -> Starlette:
        """The HTTP face."""
        from receiver.web.application import application  # noqa: PLC0415  # starlette: only who serves pays for it

        return application(self.store, self.setup, self.config, self.clock)

    def dispatched(self) -> bool:
        """Whether this or another process dispatches from the database."""
        return self.store.dispatched()

    async def vacuum(self) -> None:
        """Writes the whole database anew, without free room; no write gets through meanwhile."""
        await self.store.vacuum()

    async def watch_clock(self) -> None:
        """Sees to what a clock that was set would leave waiting, now and from now on. Raises StoreUnavailable."""
        if isinstance(self.clock, SteadyClock):
            self._clock_watch = ClockWatch(self.store, self.setup, self.clock)
            await self._clock_watch.start()

    async def dispatch(self, transport: Transport) -> None:
        """Becomes the dispatching process, ends an earlier one's leases, and starts. Raises StoreRefused."""
        self.store.own_dispatching()
        await self.store.write(lambda tx: recover(tx, self.setup, self.clock()))
        self._dispatcher = Dispatcher(self.store, self._lanes(transport), self.clock)
        self._dispatcher.start()
        self._reconciler = Reconciler(self.store, self.setup, transport, self.clock)
        self._reconciler.start()
        if self.config.retention is not None:
            self._upkeep = Pruner(self.store, self.config.retention, self.clock)
            self._upkeep.start()

    async def stop(self, grace: float = GRACE) -> None:
        """Stops dispatching: what runs may finish, the rest is given back."""
        if self._upkeep is not None:
            await self._upkeep.stop()
            self._upkeep = None
        if self._reconciler is not None:
            await self._reconciler.stop()
            self._reconciler = None
        if self._dispatcher is not None:
            await self._dispatcher.stop(grace)
            self._dispatcher = None
        if self._clock_watch is not None:
            await self._clock_watch.stop()
            self._clock_watch = None

    def _lanes(self, transport: Transport) -> list[Lane]:
        sinks = [self._sink(settings, transport) for settings in self.config.sinks.values()]
        carriers = [SinkCarrier(self.store, sink, self.clock, random.random) for sink in sinks]
        return [
            *(carrier.lane(sink_lane(sink.name)) for sink, carrier in zip(sinks, carriers, strict=True)),
            *(self._orders(name, transport).lane() for name in self.config.sources),
        ]

    def _orders(self, name: str, transport: Transport) -> OrderCarrier:
        from handlers.order import OrderHandler  # noqa: PLC0415  # like the transport, for who dispatches

        sender = OrderHandler(transport)
        source = self.config.sources[name]
        return OrderCarrier(self.store, self.setup, source, sender, self.config.public_url, self.clock, random.random)

    def _sink(self, settings: SinkSettings, transport: Transport) -> Sink:
        handler = settings.handler(settings.options, transport, self.clock, settings.timeout)
        return Sink(
            name=settings.name,
            handler=handler,
            retry=settings.retry,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            rate=settings.rate,
        )


@asynccontextmanager
async def runtime(
    config: Config, role: Role | None = "all", *, clock: Clock | None = None, transport: HttpTransport | None = None
) -> AsyncIterator[GridhookRuntime]:
    """Opens everything; `role` None or "intake" dispatches nothing. Raises StoreRefused or StoreUnavailable.

    A `clock` that is given is taken at its word, unless it is a SteadyClock: that one is watched for jumps.
    """
    clock = clock or SteadyClock()
    async with SqliteStore(database_file(config), clock) as store:
        running = GridhookRuntime(config, store, clock)
        try:
            if role is not None:
                await running.watch_clock()
            if role in ("all", "dispatch"):
                transport = transport or _transport()
                await running.dispatch(transport)
            yield running
        finally:
            await running.stop()
            if transport is not None:
                await transport.aclose()


def _transport() -> HttpTransport:
    from handlers.http import HttpTransport  # noqa: PLC0415  # loads the HTTP library: only who dispatches pays for it

    return HttpTransport()


def inspect_database(config: Config) -> Inspection:
    """What there is at the database's address; changes nothing. Raises StoreRefused or StoreUnavailable."""
    return inspect(database_file(config))


def main() -> None:
    """The console script `gridhook`."""
    logs.configure("warning")
    run(Composition(read_config=read_config, open_runtime=runtime, inspect=inspect_database))
