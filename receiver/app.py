"""Composition: the only module that knows all the parts, and the handlers."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from receiver.cli import (
    Composition,
    Role,
    run,
)
from receiver.composition import Outside
from receiver.config import (
    Config,
    load,
)
from receiver.config.reading import Secrets
from receiver.config.settings import setup_of, taken_over
from receiver.contracts import Database, DeliveryContext, ForeignClient, Inspection, Sink, Source, Transport
from receiver.contracts.counts import AttemptCounts, AttemptObserver
from receiver.contracts.setup import Setup
from receiver.contracts.tracing import wants_traces
from receiver.flows.breakers import judge_again
from receiver.lib import logs
from receiver.lib.process import streams
from receiver.lib.steady_clock import SteadyClock
from receiver.lib.times import Clock, system_clock
from receiver.model.deliveries import sink_lane
from receiver.providers import PROVIDERS
from receiver.store.opening import database_at, inspect
from receiver.workers.clock_watch import ClockWatch
from receiver.workers.dispatcher import Dispatcher, Lane
from receiver.workers.key_fetcher import KeyFetcher
from receiver.workers.listeners import Listeners
from receiver.workers.orders import OrderCarrier
from receiver.workers.picture_client import PictureClient
from receiver.workers.reconciler import Reconciler
from receiver.workers.recovery import Recovery
from receiver.workers.retention.pictures import rounds_of
from receiver.workers.retention.rounds import RetentionRounds
from receiver.workers.settlement import write_until_kept
from receiver.workers.settling import Settler
from receiver.workers.short_answers import ShortAnswers
from receiver.workers.sinks import SinkCarrier

if TYPE_CHECKING:
    from handlers.http.transport import HttpTransport
    from receiver.web.application import Application
    from receiver.workers.tracing import Tracing

log = structlog.get_logger("serve")

#: Name in the configuration to where the class is; adding a handler is a module, a line here and a test.
HANDLERS: Final[dict[str, str]] = {
    "slack": "handlers.slack:Slack",
    "discord": "handlers.discord:Discord",
    "telegram": "handlers.telegram:Telegram",
    "webhook": "handlers.webhook:Webhook",
    "http": "handlers.http_request:HttpRequest",
    "ntfy": "handlers.ntfy:Ntfy",
    "teams": "handlers.teams:Teams",
    "email": "handlers.email:Email",
    "apprise": "handlers.apprise:Apprise",
    "nats": "handlers.nats:Nats",
    "file": "handlers.local.json_lines:JsonLines",
    "exec": "handlers.local.program:Program",
    "archive": "handlers.archive:Archive",
    "log": "handlers.log:Log",
}
#: How long deliveries that run may finish where nobody says how long the end may take, seconds.
GRACE: Final = 6.0
#: How long a picture that a terminal shall show may take, and how large it may be.
PICTURE_SECONDS: Final = 8.0
PICTURE_BYTES: Final = 32 * 1024**2


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


def read_config(path: Path, env: Mapping[str, str], secrets: Secrets = "needed") -> Config:
    """The configuration of a file. Raises ConfigError with every mistake in it."""
    return load(path, env, LazyClasses(PROVIDERS), LazyClasses(HANDLERS), secrets)


class GridhookRuntime:
    """The running parts: store, dispatcher, transport, web application."""

    def __init__(self, config: Config, store: Database) -> None:
        self.config = config
        self.store = store
        self.setup = setup_of(config)
        self.clock = store.clock
        self._attempts = AttemptCounts()
        self._observers: tuple[AttemptObserver, ...] = (self._attempts,)
        self._tracing: Tracing | None = None
        self._web: Application | None = None
        self._transport: Transport | None = None
        self._settler: Settler | None = None
        self._recovery: Recovery | None = None
        self._dispatcher: Dispatcher | None = None
        self._reconciler: Reconciler | None = None
        self._pruners: list[RetentionRounds] = []
        self._clock_watch: ClockWatch | None = None
        self._key_fetcher: KeyFetcher | None = None
        self._own_transport: HttpTransport | None = None
        self._listeners: Listeners | None = None

    def web(self) -> Application:
        """The HTTP face."""
        from receiver.web.application import application  # noqa: PLC0415  # starlette: only who serves pays for it

        pictures = PictureClient(lambda: _guarded(self._calls_out(), self.config), self.store)
        outside = msgspec.structs.replace(OUTSIDE, transport=self._calls_out)
        self._web = application(
            self.store, self.setup, self.config, self.clock, outside, pictures, self._attempts, self._tracing
        )
        return self._web

    def dispatched(self) -> bool:
        """Whether this or another process dispatches from the database."""
        return self.store.dispatched()

    async def vacuum(self) -> None:
        """Writes the whole database anew, without free room; no write gets through meanwhile."""
        await self.store.vacuum()

    def trace(self, env: Mapping[str, str]) -> None:
        """Makes traces from here on, if the variables of OpenTelemetry want them. To be called before all else."""
        if not wants_traces(env):
            return
        try:
            from receiver.workers.tracing import tracing_of  # noqa: PLC0415  # OpenTelemetry: only who wants it

            self._tracing = tracing_of(self.store, env)
        except ImportError:
            log.warning("tracing.off", reason="OpenTelemetry is not installed", remedy='pip install "gridhook[otel]"')
            return
        self._observers = (*self._observers, self._tracing)

    async def watch_clock(self) -> None:
        """Sees to what a clock that was set would leave waiting, now and from now on. Raises StoreUnavailable."""
        if isinstance(self.clock, SteadyClock):
            self._clock_watch = ClockWatch(self.store, self.setup, self.clock)
            await self._clock_watch.start()

    async def fetch_keys(self) -> None:
        """Begins to fetch the public keys that vendors publish. Raises StoreUnavailable."""
        self._key_fetcher = KeyFetcher(self.store, self.setup, self._calls_out, self.clock)
        await self._key_fetcher.start()

    def _calls_out(self) -> Transport:
        """What carries calls; a process that dispatches nothing makes its own when there is one."""
        if self._transport is not None:
            return self._transport
        self._own_transport = self._own_transport or _transport(self.config)
        return self._own_transport

    async def dispatch(self, transport: Transport) -> None:
        """Becomes a dispatching process, ends the leases of those that are gone, and starts. Raises StoreRefused."""
        await self.store.own_dispatching()
        self._transport = transport
        recovery = Recovery(self.store, self.setup)
        await recovery.start()
        self._recovery = recovery
        self._settler = Settler(self.store)
        lanes = self._lanes(self.config, self.setup, transport, self._settler)
        self._dispatcher = Dispatcher(self.store, lanes, self.clock)
        self._dispatcher.start()
        self._reconciler = Reconciler(self.store, self.setup, transport, self.clock)
        self._reconciler.start()
        self._start_pruners()
        self._listeners = Listeners(self.store, transport, self.config.network, self.clock)
        self._listeners.start(self.setup, self.config.sinks)

    async def reload(self, config: Config) -> tuple[str, ...]:
        """Goes by another configuration from here on; returns the keys whose change needs a restart.

        What is under way ends as it began.
        """
        before = self.config
        config, fixed = taken_over(before, config)
        setup = setup_of(config)
        lanes: list[Lane] = []
        if self._transport is not None and self._settler is not None:
            lanes = self._lanes(config, setup, self._transport, self._settler)
        # Up to the next await nobody else has a turn: all parts change over at once.
        self.config, self.setup = config, setup
        if self._web is not None:
            self._web.adopt(config, setup)
        if self._clock_watch is not None:
            self._clock_watch.adopt(setup)
        if self._key_fetcher is not None:
            self._key_fetcher.adopt(setup)
        if self._dispatcher is None or self._reconciler is None or self._recovery is None:
            return fixed
        self._recovery.adopt(setup)
        self._dispatcher.adopt(lanes)
        self._reconciler.adopt(setup)
        if self._listeners is not None:
            await self._listeners.stop()
            self._listeners.start(setup, config.sinks)
        await self._stop_pruners()
        self._start_pruners()
        await write_until_kept(self.store, lambda tx: judge_again(tx, setup, self.clock()))
        return fixed

    async def stop(self, grace: float = GRACE, hurry: asyncio.Event | None = None) -> int:
        """Ends streams, and dispatching: what runs may finish within `grace` seconds, or until `hurry` is set.

        The rest is given back; returns how much of it there was.
        """
        if self._web is not None:
            self._web.state.stopping.set()
        await self._stop_pruners()
        if self._listeners is not None:
            await self._listeners.stop()
            self._listeners = None
        if self._recovery is not None:
            recovery, self._recovery = self._recovery, None
            await recovery.stop()
        reconciler, self._reconciler = self._reconciler, None
        dispatcher, self._dispatcher = self._dispatcher, None
        dropped, cut = await asyncio.gather(
            reconciler.stop() if reconciler is not None else _none(),
            dispatcher.stop(grace, hurry) if dispatcher is not None else _none(),
        )
        if self._settler is not None:
            self._settler.close()
            self._settler = None
        if self._key_fetcher is not None:
            await self._key_fetcher.stop()
            self._key_fetcher = None
        if self._own_transport is not None:
            await self._own_transport.aclose()
            self._own_transport = None
        if self._clock_watch is not None:
            await self._clock_watch.stop()
            self._clock_watch = None
        if self._tracing is not None:
            await self._tracing.stop()
            self._tracing = None
        return dropped + cut

    def _start_pruners(self) -> None:
        self._pruners = rounds_of(self.store, self.setup, self.config, self.clock)
        for pruner in self._pruners:
            pruner.start()

    async def _stop_pruners(self) -> None:
        pruners, self._pruners = self._pruners, []
        for pruner in pruners:
            await pruner.stop()

    def _lanes(self, config: Config, setup: Setup, transport: Transport, settler: Settler) -> list[Lane]:
        foreign = PictureClient(lambda: _guarded(transport, config), self.store)
        return [
            *(
                SinkCarrier(
                    self.store,
                    settler,
                    setup,
                    sink,
                    transport,
                    self.clock,
                    random.random,
                    foreign=foreign,
                    folder=config.folder,
                    observers=self._observers,
                ).lane(sink_lane(sink.name))
                for sink in config.sinks.values()
            ),
            *(self._orders(source, config.public_url, setup, transport).lane() for source in config.sources.values()),
        ]

    def _orders(self, source: Source, public_url: str, setup: Setup, transport: Transport) -> OrderCarrier:
        from handlers.order import OrderHandler  # noqa: PLC0415  # like the transport, for who dispatches

        sender = OrderHandler(transport)
        return OrderCarrier(self.store, setup, source, sender, public_url, self.clock, random.random, self._observers)


async def _none() -> int:
    """Nothing is there to stop."""
    return 0


@asynccontextmanager
async def runtime(
    config: Config, role: Role | None = "all", *, clock: Clock | None = None, transport: HttpTransport | None = None
) -> AsyncIterator[GridhookRuntime]:
    """Opens everything; `role` None or "intake" dispatches nothing. Raises StoreRefused or StoreUnavailable.

    A `clock` that is given is taken at its word, unless it is a SteadyClock: that one is watched for jumps.
    """
    async with database_at(config.database, clock or SteadyClock()) as store:
        running = GridhookRuntime(config, store)
        try:
            if role is not None:
                running.trace(os.environ)
                await running.watch_clock()
            if role in ("all", "dispatch"):
                transport = transport or _transport(config)
                await running.dispatch(transport)
            if role is not None:
                await running.fetch_keys()
            yield running
        finally:
            await running.stop()
            if transport is not None:
                await transport.aclose()


def _transport(config: Config) -> HttpTransport:
    from handlers.http.transport import HttpTransport  # noqa: PLC0415  # only who dispatches pays for it

    return HttpTransport(network=config.network)


def _guarded(transport: Transport, config: Config) -> ForeignClient:
    from handlers.http.foreign import GuardedClient  # noqa: PLC0415  # like the transport

    return GuardedClient(transport, config.network.allow)


@asynccontextmanager
async def open_context(config: Config, sink: Sink) -> AsyncIterator[DeliveryContext]:
    """What a handler may use while it delivers to a sink, without anything else of a server."""
    async with open_transport(config) as transport:
        yield DeliveryContext(
            transport=ShortAnswers(transport),
            foreign=_guarded(transport, config),
            sink=sink.name,
            folder=config.folder,
            clock=system_clock,
            timeout=sink.timeout,
        )


@asynccontextmanager
async def open_transport(config: Config) -> AsyncIterator[Transport]:
    """What carries calls out, as a server of this configuration would have it."""
    transport = _transport(config)
    try:
        yield transport
    finally:
        await transport.aclose()


async def fetch_picture(config: Config, url: str) -> bytes:
    """The file of a picture at an address that a vendor told. Raises ForeignRefused or TransportError."""
    async with open_transport(config) as transport:
        answer = await _guarded(transport, config).fetch(url, PICTURE_SECONDS, PICTURE_BYTES)
    return answer.body


def inspect_database(config: Config) -> Inspection:
    """What there is at the database's address; changes nothing. Raises StoreRefused or StoreUnavailable."""
    return inspect(config.database)


OUTSIDE: Final = Outside(open_context=open_context, open_transport=open_transport, fetch_picture=fetch_picture)
#: What the command line is given.
PARTS: Final = Composition(read_config=read_config, open_runtime=runtime, inspect=inspect_database, outside=OUTSIDE)


def main() -> None:
    """The console script `gridhook`."""
    streams.open_missing()
    streams.shield_stderr()
    logs.configure("warning")
    run(PARTS)
