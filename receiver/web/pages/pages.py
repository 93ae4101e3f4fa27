"""The pages, put together."""

from __future__ import annotations

import asyncio

from starlette.routing import Route

from receiver.composition import Outside
from receiver.config import Config
from receiver.contracts import HookedStore
from receiver.contracts.setup import Setup
from receiver.lib.times import Clock
from receiver.web.access import Access
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.pages.assets import asset_routes
from receiver.web.pages.authentication.login_limit import LoginLimit
from receiver.web.pages.authentication.one_time_links import OneTimeLinks
from receiver.web.pages.authentication.sessions import Sessions
from receiver.web.pages.authentication.sign_in import SignIn
from receiver.web.pages.authentication.visits import Visits
from receiver.web.pages.desk import Desk
from receiver.web.pages.health.page import HealthPage
from receiver.web.pages.job import JobPage
from receiver.web.pages.live import Live
from receiver.web.pages.manual import ManualPages
from receiver.web.pages.ordering.new_order import NewOrder
from receiver.web.pages.rendering import Renderer
from receiver.web.pages.traffic.bulk_run import BulkRun
from receiver.web.pages.traffic.lists import Traffic
from receiver.web.pages.traffic.reparse import ReparsePage
from receiver.web.pages.traffic.resend import ResendPage
from receiver.web.pages.waiting import WaitingPage
from receiver.web.pages.wall import Wall
from receiver.web.pictures.endpoint import PictureEndpoint
from receiver.web.pictures.places import PicturePlaces
from receiver.web.pictures.shelf import PictureShelf


class Pages:
    """What a person sees. It outlives configurations: what was shown, and how often a token was tried, stays known."""

    def __init__(
        self,
        store: HookedStore,
        clock: Clock,
        stopping: asyncio.Event,
        refused: RefusedRequests,
        outside: Outside | None,
        shelf: PictureShelf,
    ) -> None:
        self._store = store
        self._clock = clock
        self._refused = refused
        self._outside = outside
        self._shelf = shelf
        self._limit = LoginLimit()
        self._links = OneTimeLinks()
        self._rereading = BulkRun("page.reparsed", stopping)
        self._resending = BulkRun("page.resent", stopping)
        self._live = Live(store, stopping)

    def sign_in_path(self) -> str:
        """Where whoever opens it first is signed in, for a while: for the one who started the server."""
        return f"/login?once={self._links.make(self._clock())}"

    def routes(self, config: Config, setup: Setup, access: Access, places: PicturePlaces) -> list[Route]:
        """Every page by this configuration."""
        renderer = Renderer(self._clock, setup.limits.time_zone)
        sessions = Sessions(self._store, access.tokens)
        visits = Visits(access, sessions, renderer, self._clock)
        desk = Desk(self._store, setup, self._clock, renderer)
        return [
            *asset_routes(),
            *SignIn(access, sessions, visits, self._limit, self._links, renderer, self._clock).routes(),
            *Wall(desk, visits).routes(),
            *NewOrder(desk, visits).routes(),
            *JobPage(desk, visits).routes(),
            *WaitingPage(desk, visits).routes(),
            *ReparsePage(desk, visits, self._rereading).routes(),
            *ResendPage(desk, visits, self._resending).routes(),
            *Traffic(desk, visits, self._refused).routes(),
            *ManualPages(desk, visits).routes(),
            *HealthPage(desk, visits, config, self._refused, self._outside).routes(),
            *self._live.routes(visits),
            *PictureEndpoint(self._store, setup, self._clock, access, visits, places, self._shelf).routes(),
        ]
