"""Sending many kept events to a sink: first which ones, then how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receiver.contracts import Filters, Page, Transaction
from receiver.errors import NotPossible
from receiver.flows.resending import check_sink, resend_all
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.views.filters import EVENTS, TYPES
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import SEE_OTHER, Desk
from receiver.web.pages.filtering import asked_for, filters_from
from receiver.web.pages.forms import Form
from receiver.web.pages.traffic.bulk_run import BatchResult, BulkRun
from receiver.web.problems import Refusal

#: So many events are sent in one run, and so many are shown beforehand.
MOST_SENT: Final = 10_000
MOST_SHOWN: Final = 20
#: So many are planned in one commit.
BATCH: Final = 200
#: Events that are read at once.
PAGE: Final = 500
#: What events are narrowed by; without any of it all that was ever kept would go out.
NARROWED_BY: Final = ("type", "source", "job_id", "since", "until")


class EventRow(msgspec.Struct, frozen=True):
    """An event, as far as a list of them shows it."""

    id: str
    type: str
    subject: str
    time: str

    @property
    def number(self) -> int:
        """Its number in the store."""
        return ids.read("evt", self.id) or 0


class FoundEvents(NamedTuple):
    """Events that fit, the oldest first; the newest `MOST_SENT` of them."""

    rows: list[EventRow]
    is_cut: bool


_ROW: Final = msgspec.json.Decoder(EventRow)


class ResendPage:
    """`/events/resend`."""

    def __init__(self, desk: Desk, visits: Visits, run: BulkRun) -> None:
        self._desk = desk
        self._visits = visits
        self._run = run

    def routes(self) -> list[Route]:
        return [
            Route("/events/resend", self._visits.reading(self.look), methods=["GET"]),
            Route("/events/resend", self._visits.acting(self.start), methods=["POST"]),
        ]

    async def look(self, request: Request, visitor: Visitor) -> Response:
        """What would be sent where; without a sink and something that narrows it, a form for that."""
        asked = asked_for(request)
        narrowed = [(name, asked[name]) for name in NARROWED_BY if asked[name]]
        found, fields = FoundEvents([], is_cut=False), {}
        if asked["sink"] and narrowed:
            check_sink(self._desk.setup, asked["sink"])
            now = self._desk.clock()
            filters = filters_from(narrowed, EVENTS, now, PAGE)
            found = await self._found(filters)
            # Moments, so that what is pressed is what was shown; `until` is the first that does not count.
            fields = dict(narrowed) | {"until": stamp(filters.until or now + 1), "sink": asked["sink"]}
            fields |= {"since": stamp(filters.since)} if filters.since is not None else {}
        _, above = await self._desk.look(lambda tx: None)
        return await self._desk.show(
            "resend.html",
            visitor,
            above,
            run=self._run,
            asked=asked,
            found=found,
            shown=found.rows[:MOST_SHOWN],
            counts=Counter(row.type for row in found.rows).most_common(),
            fields=fields,
            is_narrowed=bool(narrowed),
            types=TYPES,
            sinks=sorted(self._desk.setup.sinks),
            sources=list(self._desk.setup.sources),
        )

    async def start(self, _request: Request, _visitor: Visitor, form: Form) -> Response:
        """Begins a run over the events that a preview was about."""
        sink = form.one("sink")
        check_sink(self._desk.setup, sink)
        given = [(name, form.one(name)) for name in NARROWED_BY if form.one(name)]
        if not given:
            raise Refusal(400, "invalid_form", f"narrow the events by {', '.join(NARROWED_BY)}")
        found = await self._found(filters_from(given, EVENTS, self._desk.clock(), PAGE))
        if not found.rows:
            raise Refusal(400, "invalid_form", "there is no such event any more")
        numbers = [row.number for row in found.rows]
        if not self._run.start(numbers, partial(self._send, sink), BATCH, about=sink):
            raise NotPossible("under_way", "events are being sent again already: wait until that is done")
        return RedirectResponse("/events/resend", SEE_OTHER)

    async def _send(self, sink: str, numbers: Sequence[int]) -> BatchResult:
        """Plans a delivery of each event. Raises GridhookError; then nothing was planned."""
        events = [ids.show("evt", number) for number in numbers]
        made = await self._desk.act(lambda tx, now: resend_all(tx, self._desk.setup, events, sink, now))
        return BatchResult(made=len(made), failed=len(numbers) - len(made))

    async def _found(self, wanted: Filters) -> FoundEvents:
        rows: list[EventRow] = []
        while len(rows) < MOST_SENT:
            page = await self._desk.store.read(partial(_page_of, wanted))
            rows += [_ROW.decode(body) for body in page]
            if page.next is None:
                return FoundEvents(rows[::-1], is_cut=False)
            wanted = msgspec.structs.replace(wanted, before=page.next)
        return FoundEvents(rows[:MOST_SENT][::-1], is_cut=True)


def _page_of(wanted: Filters, tx: Transaction) -> Page[bytes]:
    return tx.events(wanted)
