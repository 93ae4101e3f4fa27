"""uvicorn, as `serve` runs it: signals, log and lifespan are ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final, cast

import structlog
import uvicorn

from receiver.config import ServerSettings
from receiver.web.http.connections import Connections
from receiver.web.http.descriptors import connections_within, raise_descriptor_limit
from receiver.web.http.limits import HttpLimits, limits_of
from receiver.web.http.senders import Senders

log = structlog.get_logger("web")

BACKLOG: Final = 2048
#: Seconds that requests in progress have at the end where nobody says how many.
GRACE: Final = 6.0
#: Seconds that a request which is cut off has for its last word.
LAST_WORD: Final = 0.5


class Server(uvicorn.Server):
    """uvicorn's server; signals are caught around it."""

    #: How many requests were cut off at the end.
    cut = 0

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `serve`."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no connection more; requests in progress may end, those that are cut off may still say so."""
        await super().shutdown(sockets)
        running = list(self.server_state.tasks)
        self.cut = len(running)
        if self.force_exit:
            for task in running:
                task.cancel()
        if running:
            await asyncio.wait(running, timeout=LAST_WORD)

    def end(self, grace: float = GRACE) -> None:
        """Ends once requests in progress are done, within `grace` seconds at the latest."""
        self.config.timeout_graceful_shutdown = grace  # type: ignore[assignment]  # it goes to asyncio.wait_for
        self._connections.stop_within(grace)
        self.should_exit = True

    def hurry(self) -> None:
        """Ends now: requests in progress are cut off."""
        self.force_exit = True

    def adopt(self, settings: ServerSettings) -> None:
        """Goes by these settings from the next connection on."""
        self._connections.adopt(_limits(settings), Senders(settings.trusted_proxies))

    @property
    def _connections(self) -> Connections:
        return cast("Connections", self.config.http)


def server_config(app: Any, settings: ServerSettings) -> uvicorn.Config:
    """uvicorn's settings: our connections and our log. `app` is a `receiver.web.http.connections.WebApplication`."""
    return uvicorn.Config(
        app,
        http=cast("Any", Connections(app, _limits(settings), Senders(settings.trusted_proxies))),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,  # our connections see to them
        backlog=BACKLOG,
    )


def _limits(settings: ServerSettings) -> HttpLimits:
    """The limits that the settings name, with no more connections than there can be descriptors for."""
    allowed = connections_within(raise_descriptor_limit(settings.max_connections), settings.max_connections)
    if allowed < settings.max_connections:
        log.warning(
            "server.few_descriptors",
            connections=allowed,
            wished=settings.max_connections,
            remedy="raise the limit of open files (ulimit -n, LimitNOFILE=), or lower server.max_connections",
        )
    return limits_of(settings, allowed)
