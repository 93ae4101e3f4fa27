"""Reading kept requests again: first what it would lead to, then how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receiver.contracts import Filters, KeptRequest, Page, Store, Transaction
from receiver.errors import NotPossible
from receiver.flows.intake import reparse
from receiver.lib import ids
from receiver.views.filters import REQUESTS
from receiver.views.trial import Consequences, tried
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import SEE_OTHER, Desk
from receiver.web.pages.filtering import asked_for, filters_from, page_filters
from receiver.web.pages.forms import Form
from receiver.web.pages.traffic.bulk_run import BatchResult, BulkRun
from receiver.web.problems import Refusal

#: So many requests are read again in one run, and of so many it is tried beforehand.
MOST_READ: Final = 10_000
MOST_TRIED: Final = 20
#: What a list of requests is narrowed by.
NARROWED_BY: Final = ("status", "source", "job_id", "since")


class Preview(NamedTuple):
    """A request, and what reading it again would lead to."""

    id: str
    source: str
    #: None = it cannot be read: its source is not configured any more.
    found: Consequences | None


class ReparsePage:
    """`/requests/reparse`."""

    def __init__(self, desk: Desk, visits: Visits, run: BulkRun) -> None:
        self._desk = desk
        self._visits = visits
        self._run = run

    def routes(self) -> list[Route]:
        return [
            Route("/requests/reparse", self._visits.reading(self.look), methods=["GET"]),
            Route("/requests/reparse", self._visits.acting(self.start), methods=["POST"]),
        ]

    async def look(self, request: Request, visitor: Visitor) -> Response:
        """What it would lead to for the requests that are named or narrowed down; without any how far the run is."""
        query = request.query_params
        named = [number for text in query.getlist("request") if (number := ids.read("req", text)) is not None]
        asked = asked_for(request)
        numbers: list[int] = []
        if named or "all" in query:
            filters = page_filters(request, REQUESTS, self._desk.clock(), MOST_READ)
            numbers = named or await self._numbers(filters)
        previews = [await self._preview(number) for number in numbers[:MOST_TRIED]]
        _, above = await self._desk.look(lambda tx: None)
        return await self._desk.show(
            "reparse.html",
            visitor,
            above,
            run=self._run,
            named=[ids.show("req", number) for number in named],
            narrowed=[(name, asked[name]) for name in NARROWED_BY if asked[name]] if not named else [],
            count=len(numbers),
            previews=[one for one in previews if one is not None],
        )

    async def start(self, _request: Request, _visitor: Visitor, form: Form) -> Response:
        """Begins a run over requests that are named, or (with `all`) narrowed down by the fields of the list."""
        named = form.many("request")
        numbers = [number for text in named if (number := ids.read("req", text)) is not None]
        if form.one("all") and not named:
            given = [(name, form.one(name)) for name in NARROWED_BY if form.one(name)]
            numbers = await self._numbers(filters_from(given, REQUESTS, self._desk.clock(), MOST_READ))
        if not 0 < len(numbers) <= MOST_READ or len(numbers) != len(named or numbers):
            raise Refusal(400, "invalid_form", f"select 1 to {MOST_READ} requests")
        if not self._run.start(sorted(numbers), self._read_again):
            raise NotPossible("under_way", "requests are being read again already: wait until that is done")
        return RedirectResponse("/requests/reparse", SEE_OTHER)

    async def _read_again(self, numbers: Sequence[int]) -> BatchResult:
        """Reads requests again. Raises GridhookError."""
        desk = self._desk
        taken = [await reparse(desk.store, desk.setup, number, desk.clock()) for number in numbers]
        read = [one for one in taken if one is not None]
        return BatchResult(made=sum(one.events for one in read), failed=len(taken) - len(read))

    async def _numbers(self, filters: Filters) -> list[int]:
        """The requests that fit, oldest first; `MOST_READ` of the newest at most."""
        found: list[int] = []
        wanted = msgspec.structs.replace(filters, limit=500)
        while len(found) < MOST_READ:
            page = await self._desk.store.read(partial(_page_of, wanted))
            found += [kept.number for kept in page]
            if page.next is None:
                break
            wanted = msgspec.structs.replace(wanted, before=page.next)
        return sorted(found[:MOST_READ])

    async def _preview(self, number: int) -> Preview | None:
        kept = await self._desk.store.read(lambda tx: tx.request(number))
        if kept is None:
            return None
        shown = ids.show("req", number)
        if kept.source not in self._desk.setup.sources:
            return Preview(shown, kept.source, None)
        setup, now = self._desk.setup, self._desk.clock()

        async def change(store: Store) -> object:
            return await reparse(store, setup, number, now)

        return Preview(shown, kept.source, await tried(self._desk.store, change))


def _page_of(wanted: Filters, tx: Transaction) -> Page[KeptRequest]:
    return tx.requests(wanted)
