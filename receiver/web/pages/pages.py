"""The pages, put together."""

from __future__ import annotations

import asyncio

from starlette.routing import Route

from receiver.config import Config
from receiver.contracts import Store
from receiver.contracts.setup import Setup
from receiver.lib.times import Clock
from receiver.web.access import Access
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.pages.assets import asset_routes
from receiver.web.pages.desk import Desk
from receiver.web.pages.job import JobPage
from receiver.web.pages.live import Live
from receiver.web.pages.login_limit import LoginLimit
from receiver.web.pages.manual import ManualPages
from receiver.web.pages.rendering import Renderer
from receiver.web.pages.sessions import Sessions
from receiver.web.pages.sign_in import SignIn
from receiver.web.pages.traffic import Traffic
from receiver.web.pages.visits import Visits
from receiver.web.pages.waiting import WaitingPage
from receiver.web.pages.wall import Wall


class Pages:
    """What a person sees. It outlives configurations: how often somebody tried a token is not forgotten."""

    def __init__(self, store: Store, clock: Clock, stopping: asyncio.Event, refused: RefusedRequests) -> None:
        self._store = store
        self._clock = clock
        self._refused = refused
        self._limit = LoginLimit()
        self._live = Live(store, stopping)

    def routes(self, config: Config, setup: Setup, access: Access) -> list[Route]:
        """Every page by this configuration."""
        renderer = Renderer(self._clock, setup.limits.time_zone)
        sessions = Sessions(self._store, access.tokens)
        visits = Visits(access, sessions, renderer, self._clock)
        desk = Desk(self._store, setup, self._clock, renderer)
        return [
            *asset_routes(),
            *SignIn(access, sessions, visits, self._limit, renderer, self._clock).routes(),
            *Wall(desk, visits).routes(),
            *JobPage(desk, visits).routes(),
            *WaitingPage(desk, visits).routes(),
            *Traffic(desk, visits, self._refused).routes(),
            *ManualPages(desk, visits).routes(),
            *self._live.routes(visits),
        ]
