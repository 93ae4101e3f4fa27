"""uvicorn, as `serve` runs it: signals, log and lifespan are ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from receiver.config import ServerSettings
from receiver.web.ingest.connection import Connection

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
        self.should_exit = True

    def hurry(self) -> None:
        """Ends now: requests in progress are cut off."""
        self.force_exit = True

    def adopt(self, settings: ServerSettings) -> None:
        """Goes by these settings from the next connection on."""
        fresh = server_config(self.config.app, settings)
        fresh.load()
        # The sockets that listen hold on to the object.
        vars(self.config).update(vars(fresh))


def server_config(app: Any, settings: ServerSettings) -> uvicorn.Config:
    """uvicorn's settings: quick parts, our log, X-Forwarded-* believed from the configured proxies only."""
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        backlog=BACKLOG,
    )
