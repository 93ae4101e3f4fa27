"""`serve`: the HTTP face and the dispatcher, until a signal says stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import structlog
import typer

from receiver.cli.screen import fail
from receiver.cli.session import (
    DEFAULT_FILE,
    ConfigFile,
    composition,
    settings,
)
from receiver.composition import (
    Composition,
    Role,
    Runtime,
)
from receiver.config import Config
from receiver.lib import logs

if TYPE_CHECKING:
    from receiver.web.server import Server

log = structlog.get_logger("serve")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
#: New objects before the youngest are looked through, and how often before the older ones are.
COLLECT_AFTER: Final = (5_000, 10, 10)
HostOption = Annotated[str | None, typer.Option("--host", help="Listen here instead of server.host.")]
PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65_535, help="Listen here instead of server.port; 0 = any free one.")
]
RoleOption = Annotated[
    Role, typer.Option("--role", help="intake: takes webhooks in and answers the API, sends nothing.")
]


def serve(
    ctx: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    role: RoleOption = "all",
    config: ConfigFile = DEFAULT_FILE,
) -> None:
    """Take webhooks in, and send orders and deliveries.

    Until SIGINT or SIGTERM; what runs may finish then.
    """
    import uvloop  # noqa: PLC0415  # nothing but this command needs it

    read = settings(ctx, config)
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    read = msgspec.structs.replace(read, server=msgspec.structs.replace(read.server, **changes))
    logs.configure("info")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(composition(ctx), read, role))


class Stopping:
    """What a signal does: the first one ends the work in good order, a second SIGINT at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._server: Server | None = None
        self._streams: asyncio.Event | None = None

    def watch(self) -> None:
        """Takes the signals over from here on."""
        for one in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(one, self._signalled, one)

    def stops(self, server: Server, streams: asyncio.Event) -> None:
        """Names what is to be stopped: the server, and the event that ends its streams."""
        self._server = server
        self._streams = streams
        if self.asked.is_set():
            self._stop()

    def _signalled(self, one: signal.Signals) -> None:
        if self.asked.is_set() and one == signal.SIGINT and self._server is not None:
            self._server.force_exit = True
        self.asked.set()
        self._stop()

    def _stop(self) -> None:
        if self._server is not None and self._streams is not None:
            self._streams.set()
            self._server.end()


async def _serve(parts: Composition, config: Config, role: Role) -> None:
    stopping = Stopping()
    stopping.watch()
    listener = _listener(config) if role != "dispatch" else None
    with contextlib.closing(listener) if listener is not None else contextlib.nullcontext():
        async with parts.open_runtime(config, role) as service:
            _tell(config, role, listener)
            if listener is None:
                freeze_collector()
                await stopping.asked.wait()
            else:
                await _listen(service, listener, stopping)
    log.info("server.stopped")


async def _listen(service: Runtime, listener: socket.socket, stopping: Stopping) -> None:
    from receiver.web.server import Server, server_config  # noqa: PLC0415  # loads uvicorn

    app = service.web()
    server = Server(server_config(app, service.config.server))
    server.config.load()
    freeze_collector()
    stopping.stops(server, app.state.stopping)
    await server.serve(sockets=[listener])


def freeze_collector() -> None:
    """Has the garbage collector leave alone what is there for good, and look at the rest less often.

    Modules and the parts of the program are some 40,000 objects that live until the end. To look through them again and
    again is a pause of 25 to 50 ms each time, in which no webhook is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _listener(config: Config) -> socket.socket:
    """The socket to listen on, bound before anything else is begun. Exit 1 if that place is taken or not ours."""
    host, port = config.server.host, config.server.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as wrong:
        fail(f"cannot listen on {host}: {wrong.strerror}; write another server.host, or use --host")
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as wrong:
        listener.close()
        fail(f"cannot listen on {host} port {port}: {wrong.strerror}; write another server.port, or use --port")
    return listener


def _tell(config: Config, role: Role, listener: socket.socket | None) -> None:
    for warning in config.warnings:
        log.warning("config.warned", text=warning)
    log.info(
        "server.started",
        url=_url(listener) if listener is not None else None,
        role=role,
        sources=list(config.sources),
        sinks=list(config.sinks),
        rules=[rule.name for rule in config.rules],
        database=config.database,
        public_url=config.public_url,
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
