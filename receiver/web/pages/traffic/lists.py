"""What came in and what goes out: deliveries, requests, and why requests were refused."""

from __future__ import annotations

from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Page, Transaction
from receiver.errors import NotFound
from receiver.flows.commands import leave, redeliver
from receiver.flows.resending import resend
from receiver.lib import ids
from receiver.model.deliveries import State
from receiver.model.requests import RequestState
from receiver.views.filters import DELIVERIES, REQUESTS
from receiver.views.records import (
    DeliveryDetail,
    DeliveryView,
    RequestDetail,
    delivery_detail,
    delivery_views,
    request_detail,
    request_view,
)
from receiver.views.refused import RefusedFilters, refused_views
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import Desk, back_to
from receiver.web.pages.filtering import asked_for, page_filters
from receiver.web.pages.forms import Form

T = TypeVar("T")

#: Rows of a page.
ROWS: Final = 50
DELIVERY_TABS: Final[tuple[State, ...]] = ("pending", "running", "done", "dead")
REQUEST_TABS: Final[tuple[RequestState, ...]] = ("mapped", "unmapped", "unreadable")


class Traffic:
    """`/deliveries` and `/requests`."""

    def __init__(self, desk: Desk, visits: Visits, refused: RefusedRequests) -> None:
        self._desk = desk
        self._visits = visits
        self._refused = refused

    def routes(self) -> list[Route]:
        reading, acting = self._visits.reading, self._visits.acting
        return [
            Route("/deliveries", reading(self.deliveries), methods=["GET"]),
            Route("/deliveries/{delivery_id}", reading(self.delivery), methods=["GET"]),
            Route("/deliveries/{delivery_id}/redeliver", acting(self.redeliver), methods=["POST"]),
            Route("/deliveries/{delivery_id}/leave", acting(self.leave), methods=["POST"]),
            Route("/requests", reading(self.requests), methods=["GET"]),
            Route("/events/{event_id}/resend", acting(self.resend), methods=["POST"]),
            Route("/requests/{request_id}", reading(self.request), methods=["GET"]),
        ]

    async def deliveries(self, request: Request, visitor: Visitor) -> Response:
        """Every event on its way to a sink, every order on its way to a vendor."""
        filters = page_filters(request, DELIVERIES, self._desk.clock(), ROWS)

        def work(tx: Transaction) -> Page[DeliveryDetail]:
            found = delivery_views(tx, filters)
            return Page([_detail(tx, one) for one in found], found.next)

        found, above = await self._desk.look(work)
        return await self._desk.show(
            "deliveries.html",
            visitor,
            above,
            rows=found,
            following=_following(request, "dlv", found),
            asked=asked_for(request),
            tabs=DELIVERY_TABS,
            sinks=sorted(self._desk.setup.sinks),
            address=_address(request),
        )

    async def delivery(self, request: Request, visitor: Visitor) -> Response:
        """One delivery, attempt by attempt."""
        number = _number("dlv", request.path_params["delivery_id"])
        found, above = await self._desk.look(lambda tx: _known_delivery(tx, number))
        return await self._desk.show(
            "delivery.html",
            visitor,
            above,
            one=found,
            address=_address(request),
            sinks=sorted(self._desk.setup.sinks),
        )

    async def redeliver(self, request: Request, _visitor: Visitor, form: Form) -> Response:
        """Sends a finished or given-up delivery to its sink again."""
        delivery_id = request.path_params["delivery_id"]
        await self._desk.act(lambda tx, now: redeliver(tx, self._desk.setup, delivery_id, now))
        return back_to(form, f"/deliveries/{delivery_id}")

    async def leave(self, request: Request, _visitor: Visitor, form: Form) -> Response:
        """Takes a dead letter out of the inbox."""
        delivery_id = request.path_params["delivery_id"]
        await self._desk.act(lambda tx, now: leave(tx, delivery_id, now))
        return back_to(form, f"/deliveries/{delivery_id}")

    async def requests(self, request: Request, visitor: Visitor) -> Response:
        """What vendors posted, and what was refused."""
        filters = page_filters(request, REQUESTS, self._desk.clock(), ROWS)
        found, above = await self._desk.look(lambda tx: tx.requests(filters))
        return await self._desk.show(
            "requests.html",
            visitor,
            above,
            rows=[request_view(one) for one in found],
            following=_following(request, "req", found),
            asked=asked_for(request),
            tabs=REQUEST_TABS,
            sources=list(self._desk.setup.sources),
            refused=refused_views(await self._refused.newest(), RefusedFilters()),
            address=_address(request),
        )

    async def request(self, request: Request, visitor: Visitor) -> Response:
        """One request, word for word."""
        number = _number("req", request.path_params["request_id"])
        found, above = await self._desk.look(lambda tx: _known_request(tx, number))
        return await self._desk.show("request.html", visitor, above, one=found, address=_address(request))

    async def resend(self, request: Request, _visitor: Visitor, form: Form) -> Response:
        """Sends an event to a sink, whatever the rules say."""
        event_id, sink = request.path_params["event_id"], form.one("sink")
        made = await self._desk.act(lambda tx, now: resend(tx, self._desk.setup, event_id, sink, now))
        return back_to(form, f"/deliveries/{ids.show('dlv', made.number)}")


def _detail(tx: Transaction, view: DeliveryView) -> DeliveryDetail:
    return _known_delivery(tx, _number("dlv", view.id))


def _known_delivery(tx: Transaction, number: int) -> DeliveryDetail:
    found = tx.delivery(number)
    if found is None:
        raise NotFound("there is no such delivery")
    return delivery_detail(tx, found)


def _known_request(tx: Transaction, number: int) -> RequestDetail:
    found = tx.request(number)
    if found is None:
        raise NotFound("there is no such request")
    return request_detail(found)


def _number(kind: ids.Kind, text: str) -> int:
    number = ids.read(kind, text)
    if number is None:
        raise NotFound(f"{text[:40]!r} is no id of this kind")
    return number


def _following(request: Request, kind: ids.Kind, found: Page[T]) -> str | None:
    """The query of what is older; None if there is nothing."""
    if found.next is None:
        return None
    return str(request.url.include_query_params(cursor=ids.show(kind, found.next)).query)


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
