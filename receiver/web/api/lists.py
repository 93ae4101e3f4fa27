"""Events, requests and deliveries over HTTP: look, redeliver, leave, reparse."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Store, Transaction
from receiver.contracts.setup import Setup
from receiver.errors import NotFound, NotPossible
from receiver.flows.commands import leave, redeliver
from receiver.flows.intake import reparse
from receiver.flows.resending import resend
from receiver.lib import ids
from receiver.lib.times import Clock
from receiver.model.submissions import Resend
from receiver.views.filters import DELIVERIES, EVENTS, REQUESTS
from receiver.views.records import (
    DeliveryDetail,
    DeliveryView,
    RequestDetail,
    delivery_detail,
    delivery_view,
    delivery_views,
    request_detail,
    request_view,
)
from receiver.web.api.answers import MAX_CHOICE, json_answer, page, read_record
from receiver.web.api.filters import filters_of, read_query


class ListsApi:
    """`/api/v1/events`, `/api/v1/requests` and `/api/v1/deliveries`."""

    def __init__(self, store: Store, setup: Setup, clock: Clock) -> None:
        self._store = store
        self._setup = setup
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/events", self.events, methods=["GET"]),
            Route("/events/{event_id}", self.event, methods=["GET"]),
            Route("/events/{event_id}/resend", self.resend, methods=["POST"]),
            Route("/requests", self.requests, methods=["GET"]),
            Route("/requests/{request_id}", self.request, methods=["GET"]),
            Route("/requests/{request_id}/reparse", self.reparse, methods=["POST"]),
            Route("/deliveries", self.deliveries, methods=["GET"]),
            Route("/deliveries/{delivery_id}", self.delivery, methods=["GET"]),
            Route("/deliveries/{delivery_id}/redeliver", self.redeliver, methods=["POST"]),
            Route("/deliveries/{delivery_id}/leave", self.leave, methods=["POST"]),
        ]

    async def events(self, request: Request) -> Response:
        """A page of events: the CloudEvents as sinks get them."""
        filters = filters_of(request, EVENTS)
        return page("evt", await self._store.read(lambda tx: tx.events(filters)), msgspec.Raw)

    async def event(self, request: Request) -> Response:
        """One event as sinks get it; 404 if there is none."""
        read_query(request, {})
        number = _number("evt", "event", request.path_params["event_id"])
        body = await self._store.read(lambda tx: tx.event(number))
        if body is None:
            raise _nothing("event", request.path_params["event_id"])
        return json_answer(msgspec.Raw(body))

    async def resend(self, request: Request) -> Response:
        """Sends a kept event to a sink, whatever the rules say."""
        read_query(request, {})
        wanted = await read_record(request, Resend, MAX_CHOICE)
        text, now = request.path_params["event_id"], self._clock()
        made = await self._store.write(lambda tx: delivery_view(tx, resend(tx, self._setup, text, wanted.sink, now)))
        return json_answer(made, 202)

    async def requests(self, request: Request) -> Response:
        """A page of requests, without headers and bodies."""
        filters = filters_of(request, REQUESTS)
        return page("req", await self._store.read(lambda tx: tx.requests(filters)), request_view)

    async def request(self, request: Request) -> Response:
        """One request with all that was kept of it."""
        read_query(request, {})
        text = request.path_params["request_id"]
        return json_answer(await self._store.read(lambda tx: _request(tx, text)))

    async def reparse(self, request: Request) -> Response:
        """Reads a kept request once more with today's provider code, and does what follows."""
        read_query(request, {})
        text = request.path_params["request_id"]
        kept = await self._store.read(lambda tx: _request(tx, text))
        if kept.source not in self._setup.sources:
            raise NotPossible("source_gone", f"source {kept.source!r} is not configured any more")
        number = _number("req", "request", text)
        return json_answer(await reparse(self._store, self._setup, number, self._clock()))

    async def deliveries(self, request: Request) -> Response:
        """A page of deliveries, without their tries."""
        filters = filters_of(request, DELIVERIES)
        return page("dlv", await self._store.read(lambda tx: delivery_views(tx, filters)), _itself)

    async def delivery(self, request: Request) -> Response:
        """One delivery with its tries."""
        read_query(request, {})
        text = request.path_params["delivery_id"]
        return json_answer(await self._store.read(lambda tx: _delivery(tx, text)))

    async def redeliver(self, request: Request) -> Response:
        """Sends a finished or dead delivery to its sink again."""
        read_query(request, {})
        text = request.path_params["delivery_id"]
        now = self._clock()
        again = await self._store.write(lambda tx: delivery_view(tx, redeliver(tx, self._setup, text, now)))
        return json_answer(again, 202)

    async def leave(self, request: Request) -> Response:
        """Takes a dead letter out of the inbox; it can still be redelivered."""
        read_query(request, {})
        text = request.path_params["delivery_id"]
        now = self._clock()
        return json_answer(await self._store.write(lambda tx: delivery_view(tx, leave(tx, text, now))))


def _request(tx: Transaction, text: str) -> RequestDetail:
    kept = tx.request(_number("req", "request", text))
    if kept is None:
        raise _nothing("request", text)
    return request_detail(kept)


def _delivery(tx: Transaction, text: str) -> DeliveryDetail:
    number = _number("dlv", "delivery", text)
    delivery = tx.delivery(number)
    if delivery is None:
        raise _nothing("delivery", text)
    return delivery_detail(tx, delivery)


def _itself(view: DeliveryView) -> DeliveryView:
    return view


def _number(kind: ids.Kind, noun: str, text: str) -> int:
    number = ids.read(kind, text)
    if number is None:
        raise _nothing(noun, text)
    return number


def _nothing(noun: str, text: str) -> NotFound:
    return NotFound(f"there is no {noun} {text[:40]!r}")
