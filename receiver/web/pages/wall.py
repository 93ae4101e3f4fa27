"""The wall: families as pictures, newest first, one day after the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receiver.contracts import Filters, Page, Transaction
from receiver.lib import ids
from receiver.lib.days import day_of
from receiver.lib.times import unstamp
from receiver.model.actions import CANONICAL
from receiver.views.families import Family, families, family_of
from receiver.views.filters import JOBS
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import SEE_OTHER, Desk
from receiver.web.pages.filtering import asked_for, page_filters

#: So many jobs make a page of the wall.
PAGE: Final = 40
#: Characters of a prompt that are looked for.
LONGEST_SEARCH: Final = 200
TABS: Final = (("All", ""), ("Held", "held"), ("Running", "running"), ("Unsure", "unsure"), ("Failed", "failed"))


class WallDay(NamedTuple):
    """A day, and the families that stand in it."""

    name: str
    families: list[Family]


class Wall:
    """`/`."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[Route]:
        reading = self._visits.reading
        return [
            Route("/", reading(self.wall), methods=["GET"]),
            Route("/families/{job_id}", reading(self.family), methods=["GET"]),
            Route("/spend", reading(self.spend), methods=["GET"]),
        ]

    async def wall(self, request: Request, visitor: Visitor) -> Response:
        """The page; where nothing was ever made, three steps instead."""
        sought = request.query_params.get("find", "").strip()
        if ids.read("job", sought) is not None:
            return RedirectResponse(f"/jobs/{sought}", SEE_OTHER)
        now = self._desk.clock()
        filters = page_filters(request, JOBS, now, PAGE)
        found, above = await self._desk.look(lambda tx: _sought(tx, filters, sought))
        asked = asked_for(request)
        if not found and not asked and found.next is None:
            return await self._desk.show(
                "first_run.html", visitor, above, sources=list(self._desk.setup.sources.values())
            )
        return await self._desk.show(
            "wall.html",
            visitor,
            above,
            days=_days(found, now, self._desk.setup.limits.time_zone),
            following=_following(request, found),
            asked=asked,
            tabs=TABS,
            sources=list(self._desk.setup.sources),
            actions=sorted(CANONICAL),
            address=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            is_first=not request.query_params.get("cursor"),
        )

    async def family(self, request: Request, visitor: Visitor) -> Response:
        """One card of the wall."""
        job_id = request.path_params["job_id"]
        family, above = await self._desk.look(lambda tx: family_of(tx, job_id))
        return await self._desk.show("parts/family.html", visitor, above, family=family)

    async def spend(self, _request: Request, visitor: Visitor) -> Response:
        """What is left of the budgets."""
        _, above = await self._desk.look(lambda tx: None)
        return await self._desk.show("parts/spend.html", visitor, above)


def _sought(tx: Transaction, filters: Filters, sought: str) -> Page[Family]:
    """The families that pass; of a text those with a job of this vendor's id, else with it in their prompts."""
    if not sought:
        return families(tx, filters)
    by_id = families(tx, msgspec.structs.replace(filters, provider_job_id=sought))
    return by_id or families(tx, msgspec.structs.replace(filters, prompt=sought[:LONGEST_SEARCH]))


def _days(found: Iterable[Family], now_ms: int, time_zone: str) -> list[WallDay]:
    """The families by the day of their newest job, in the order they come in."""

    def day(family: Family) -> date:
        return day_of(unstamp(family.jobs[-1].created_at), time_zone)

    today = day_of(now_ms, time_zone)
    return [WallDay(_day_name(one, today), list(group)) for one, group in groupby(found, key=day)]


def _day_name(day: date, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return day.strftime("%A, %-d %B" if day.year == today.year else "%-d %B %Y")


def _following(request: Request, found: Page[Family]) -> str | None:
    """The address of what is older; None if there is nothing."""
    if found.next is None:
        return None
    return str(request.url.include_query_params(cursor=ids.show("job", found.next)).query)
