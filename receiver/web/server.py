"""uvicorn, as `serve` runs it: signals, log and lifespan are ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from receiver.config import ServerSettings
from receiver.web.ingest.connection import Connection

#: Seconds that requests in progress have at the end.
GRACE: Final = 10
BACKLOG: Final = 2048


class Server(uvicorn.Server):
    """uvicorn's server; signals are caught around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `serve`."""
        yield

    def end(self) -> None:
        """Takes nothing more and ends when what runs is done."""
        self.should_exit = True


def server_config(app: ASGIApp, settings: ServerSettings) -> uvicorn.Config:
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
        timeout_graceful_shutdown=GRACE,
    )
