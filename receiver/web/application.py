"""The HTTP face, put together: intake, health, numbers, API."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from receiver.config import Config
from receiver.contracts import HookedStore
from receiver.contracts.setup import Setup
from receiver.lib.times import Clock
from receiver.web.api.auth import Bearer
from receiver.web.api.routes import api, openapi
from receiver.web.api.stream import go_on
from receiver.web.guard import Guard
from receiver.web.health import Health
from receiver.web.ingest.endpoint import Ingest
from receiver.web.metrics import Metrics
from receiver.web.pages.home import home
from receiver.web.refusals import handlers


class Application(Starlette):
    """Starlette, but that webhooks go past its layers straight to the intake: they are what there is most of."""

    def __init__(self, ingest: Ingest, **given: Any) -> None:
        super().__init__(**given)
        self.ingest = ingest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/in/"):
            await self.ingest(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
            await go_on(scope, receive, send)


def application(store: HookedStore, setup: Setup, config: Config, clock: Clock) -> Starlette:
    """The ASGI application on an open store. Setting `app.state.stopping` ends streams and long waits."""
    stopping = asyncio.Event()
    metrics = Metrics(store)
    app = Application(
        Ingest(store, setup, clock, config.server.max_body, metrics.count),
        routes=[
            Route("/api/v1/openapi.json", openapi, methods=["GET"]),
            Mount("/api/v1", Bearer(api(store, setup, clock, stopping), config.server.admin_token)),
            *Health(store, clock).routes(),
            *metrics.routes(),
            Route("/", home, methods=["GET"]),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers=handlers(),
    )
    # A redirect would turn a POST into a GET, or be followed by nobody.
    app.router.redirect_slashes = False
    app.state.stopping = stopping
    return app
