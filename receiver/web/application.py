"""The HTTP face, put together: intake, health, numbers, API, pages."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from receiver.composition import Outside
from receiver.config import Config
from receiver.contracts import ForeignClient, HookedStore
from receiver.contracts.counts import AttemptCounts
from receiver.contracts.pictures import keepers_of
from receiver.contracts.setup import Setup
from receiver.contracts.tracing import Tracer
from receiver.lib.times import Clock
from receiver.store.opening import folder_of
from receiver.web.access import Access
from receiver.web.api.auth import Bearer
from receiver.web.api.routes import api, openapi
from receiver.web.api.stream import Stream, go_on
from receiver.web.guard import Guard
from receiver.web.health import Health
from receiver.web.http.incoming import IncomingRequest
from receiver.web.http.load import ServerLoad
from receiver.web.http.replies import HttpReply, reply_to
from receiver.web.ingest.endpoint import Ingest
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.ingest.traced import TracedIngest
from receiver.web.interactions.presses import PressEndpoint
from receiver.web.metrics.endpoint import Metrics
from receiver.web.pages.pages import Pages
from receiver.web.pictures.places import PicturePlaces
from receiver.web.pictures.shelf import PictureShelf
from receiver.web.problems import NOTHING, Refusal, problem
from receiver.web.refusals import handlers
from receiver.workers.presses import Presses

API: Final = "/api/v1"
#: What needs no token there.
DOCUMENT: Final = f"{API}/openapi.json"


class Application(Starlette):
    """Starlette, but that webhooks go past its layers straight to the intake: they are what there is most of."""

    ingest: Ingest

    def __init__(
        self,
        store: HookedStore,
        clock: Clock,
        outside: Outside | None,
        shelf: PictureShelf,
        foreign: ForeignClient | None,
        attempts: AttemptCounts,
        tracer: Tracer | None,
    ) -> None:
        super().__init__(middleware=[Middleware(Guard)], exception_handlers=handlers())
        self.state.stopping = asyncio.Event()
        self._store = store
        self._clock = clock
        self._transport = outside.transport if outside is not None else None
        #: What its connections hold.
        self.load = ServerLoad()
        self._refused = RefusedRequests(store, clock)
        self._metrics = Metrics(store, clock, self.load, attempts)
        self._health = Health(store, clock)
        self._tracer = tracer
        self._stream = Stream(store, self.state.stopping)
        self._foreign = foreign
        self._pages = Pages(store, clock, self.state.stopping, self._refused, outside, shelf)
        self.state.sign_in_path = self._pages.sign_in_path

    def adopt(self, config: Config, setup: Setup) -> None:
        """Answers by this configuration from here on; requests under way end as they began, open streams go on."""
        store, clock = self._store, self._clock
        self._refused.adopt(setup)
        parts = (store, setup, clock, config.server.max_body, self._metrics, self._refused)
        self.ingest = Ingest(*parts) if self._tracer is None else TracedIngest(*parts, self._tracer)
        v1 = api(store, setup, clock, self.state.stopping, self._stream, self._refused)
        self._access = Access(config.server)
        self._bearer = Bearer(v1, self._access)
        self._metrics.adopt(config, setup, self._access, self._bearer)
        presses = Presses(store, setup, clock, self._transport)
        self._presses = PressEndpoint(presses, clock, config.sinks, self._refused)
        places = PicturePlaces(keepers_of(config.sinks), config.folder, self._foreign)
        routes = [
            Route(DOCUMENT, openapi, methods=["GET"]),
            Mount(API, self._bearer),
            *self._health.routes(),
            *self._metrics.routes(),
            *self._presses.routes(),
            *self._pages.routes(config, setup, self._access, places),
        ]
        # A redirect would turn a POST into a GET, or be followed by nobody.
        self.router = Router(routes, redirect_slashes=False)
        # The next request has the layers built around these routes.
        self.middleware_stack = None

    def head_refusal(self, request: IncomingRequest) -> HttpReply | None:
        """The answer to a request whose head alone shows that it will be refused, else None: its body is not read."""
        if request.is_webhook:
            return self.ingest.head_refusal(request)
        if self._access.is_hidden(request.path, request.port):
            return reply_to(NOTHING)
        if (too_large := self._presses.head_refusal(request)) is not None:
            return too_large
        if request.path == DOCUMENT or not request.path.startswith(f"{API}/"):
            return None
        no = self._bearer.refusal(request.method, request.sender, request.headers)
        return reply_to(no) if no is not None else None

    def refused(self, request: IncomingRequest, refusal: Refusal) -> HttpReply:
        """The answer to a request that could not be read to its end."""
        if request.is_webhook:
            return self.ingest.refused(request, refusal)
        return self.head_refusal(request) or reply_to(refusal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/in/"):
            await self.ingest(scope, receive, send)
        elif scope["type"] == "http" and self._access.is_hidden(
            scope["path"], (scope.get("server") or ("", 0))[1] or 0
        ):
            await problem(NOTHING.status, NOTHING.code, NOTHING.detail)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
            await go_on(scope, receive, send)


def application(
    store: HookedStore,
    setup: Setup,
    config: Config,
    clock: Clock,
    outside: Outside | None = None,
    foreign: ForeignClient | None = None,
    attempts: AttemptCounts | None = None,
    tracer: Tracer | None = None,
) -> Application:
    """The ASGI application on an open store. Setting `app.state.stopping` ends streams and long waits.

    Without `outside` its pages offer neither to test sinks nor to look after what must be reached, and who pressed a
    button is told nothing beside the message itself. Without `foreign`, which fetches them, pictures that only vendors
    have are not shown. `attempts` is what whoever dispatches counts in, `tracer` is
    told of every webhook that is kept.
    """
    shelf = PictureShelf(folder_of(config.database, config.folder), clock)
    app = Application(store, clock, outside, shelf, foreign, attempts or AttemptCounts(), tracer)
    app.adopt(config, setup)
    return app
