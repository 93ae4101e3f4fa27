"""`serve`: the HTTP face and the dispatcher, until a signal says stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
import structlog
import typer

from receiver.cli.screen import fail
from receiver.cli.serving.reloading import ReadConfig, reload_when_asked
from receiver.cli.serving.signals import Signals
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
from receiver.lib.process import supervisor
from receiver.store.opening import files_of, without_secrets

if TYPE_CHECKING:
    from receiver.web.server import Server

log = structlog.get_logger("serve")

#: New objects before the youngest are looked through, and how often before the older ones are.
COLLECT_AFTER: Final = (5_000, 10, 10)
#: What a start tells that shares the work with another process.
SPLIT: Final = (
    "one process for all (no --role) is quicker: two share the one SQLite file, take turns to write, and hear of each "
    "other up to 0.02 s later"
)
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

    Until SIGTERM, SIGINT, SIGQUIT or the end of the terminal; what runs may finish then, within server.stop_within.
    SIGHUP reads the configuration again.
    """
    import uvloop  # noqa: PLC0415  # nothing but this command needs it

    def read() -> Config:
        found = settings(ctx, config)
        changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
        return msgspec.structs.replace(found, server=msgspec.structs.replace(found.server, **changes))

    try:
        level = logs.level_of(os.environ)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None
    first = read()
    logs.configure(level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        cut = runner.run(_serve(composition(ctx), first, read, role))
        logs.flush()
        if cut:
            # What was cut off may hang in a thread (a name server, a disk), which would be waited for.
            os._exit(0)


async def _serve(parts: Composition, config: Config, read: ReadConfig, role: Role) -> int:
    """Serves until a signal says stop; returns how much had to be cut off."""
    signals = Signals(config.server.stop_within)
    signals.watch()
    with _listeners(config, role) as listeners:
        async with parts.open_runtime(config, role) as service:
            _tell(config, role, listeners)
            server = _server(service) if listeners else None
            freeze_collector()
            serving = asyncio.create_task(server.serve(listeners) if server else signals.stop.wait())
            reloading = asyncio.create_task(reload_when_asked(service, signals, read, server))
            supervisor.notify(os.environ, "READY=1")
            await _first(serving, asyncio.create_task(signals.stop.wait()))
            reloading.cancel()
            cut = await _stop(service, signals, server, serving)
    log.info("server.stopped", cut_off=cut)
    return cut


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Waits for the first task to end."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _stop(service: Runtime, signals: Signals, server: Server | None, serving: asyncio.Task[Any]) -> int:
    """Takes nothing more, and lets what runs finish in its time; returns how much had to be cut off."""
    supervisor.notify(os.environ, "STOPPING=1")
    log.info("server.stopping", within_s=signals.stop_within)
    hurrying = asyncio.create_task(_hurry(signals, server))
    if server is not None:
        server.end(signals.finishing_time())
    cut, _ = await asyncio.gather(service.stop(signals.finishing_time(), signals.hurry), serving)
    hurrying.cancel()
    return cut + (server.cut if server is not None else 0)


async def _hurry(signals: Signals, server: Server | None) -> None:
    await signals.hurry.wait()
    if server is not None:
        server.hurry()


def _server(service: Runtime) -> Server:
    from receiver.web.server import Server, server_config  # noqa: PLC0415  # loads uvicorn

    server = Server(server_config(service.web(), service.config.server))
    server.config.load()
    return server


def freeze_collector() -> None:
    """Has the garbage collector leave alone what is there for good, and look at the rest less often.

    Modules and the parts of the program are some 40,000 objects that live until the end. To look through them again and
    again is a pause of 25 to 50 ms each time, in which no webhook is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@contextlib.contextmanager
def _listeners(config: Config, role: Role) -> Iterator[list[socket.socket]]:
    """The sockets to listen on: those that a supervisor hands over, else one of our own. Exit 1 if there is none."""
    if role == "dispatch":
        with contextlib.ExitStack() as closing:
            yield [closing.enter_context(contextlib.closing(one)) for one in _numbers_only(config)]
        return
    try:
        found = supervisor.handed_over(os.environ)
    except OSError as wrong:
        fail(str(wrong))
    with contextlib.ExitStack() as closing:
        listeners = [closing.enter_context(contextlib.closing(one)) for one in found or [_listener(config)]]
        admin_port = config.server.admin_port
        if admin_port is not None and admin_port not in map(_port, listeners):
            listeners.append(closing.enter_context(contextlib.closing(_listener(config, "admin_port"))))
        yield listeners


def _numbers_only(config: Config) -> list[socket.socket]:
    """The socket of `admin_port`, where a process that only dispatches shows its numbers and pages.

    None without one, and where another process of the same configuration has it: dispatching needs no port.
    """
    port = config.server.admin_port
    if port is None:
        return []
    try:
        return [_bound(config.server.host, port)]
    except OSError as wrong:
        log.warning("server.unseen", port=port, reason=wrong.strerror, told="it dispatches, and listens nowhere")
        return []


def _port(listener: socket.socket) -> int:
    """Where it listens; 0 = at no port."""
    return 0 if listener.family == socket.AF_UNIX else int(listener.getsockname()[1])


def _listener(config: Config, key: Literal["port", "admin_port"] = "port") -> socket.socket:
    """The socket to listen on, bound before anything else is begun. Exit 1 if that place is taken or not ours."""
    host, port = config.server.host, getattr(config.server, key)
    option = ", or use --port" if key == "port" else ""
    try:
        return _bound(host, port)
    except socket.gaierror as wrong:
        fail(f"cannot listen on {host}: {wrong.strerror}; write another server.host, or use --host")
    except OSError as wrong:
        fail(f"cannot listen on {host} port {port}: {wrong.strerror}; write another server.{key}{option}")


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _tell(config: Config, role: Role, listeners: Sequence[socket.socket]) -> None:
    for warning in config.warnings:
        log.warning("config.warned", text=warning)
    if role != "all" and files_of(config.database):
        log.warning("server.split", role=role, text=SPLIT)
    log.info(
        "server.started",
        url=_url(listeners[0]) if listeners else None,
        role=role,
        sources=list(config.sources),
        sinks=list(config.sinks),
        rules=[rule.name for rule in config.rules],
        database=without_secrets(config.database),
        public_url=config.public_url,
    )


def _url(listener: socket.socket) -> str:
    if listener.family == socket.AF_UNIX:
        return f"unix:{os.fsdecode(listener.getsockname())}"
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
