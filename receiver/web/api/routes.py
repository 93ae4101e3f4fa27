"""`/api/v1`: everything behind the admin token, and the document that describes it."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router

from receiver.contracts import Store
from receiver.contracts.setup import Setup
from receiver.lib.times import Clock
from receiver.web.api.answers import json_answer
from receiver.web.api.costs import CostsApi
from receiver.web.api.filters import read_query
from receiver.web.api.jobs import JobsApi
from receiver.web.api.lists import ListsApi
from receiver.web.api.openapi import document
from receiver.web.api.refused import RefusedApi
from receiver.web.api.stream import Stream
from receiver.web.ingest.refused import RefusedRequests


def api(
    store: Store, setup: Setup, clock: Clock, stopping: asyncio.Event, stream: Stream, refused: RefusedRequests
) -> Router:
    """The routes below `/api/v1`."""
    return Router(
        [
            *JobsApi(store, setup, clock, stopping).routes(),
            *ListsApi(store, setup, clock).routes(),
            *RefusedApi(refused).routes(),
            *CostsApi(store, setup, clock).routes(),
            *stream.routes(),
        ],
        redirect_slashes=False,
    )


async def openapi(request: Request) -> Response:
    """What this API is, for programs: open to everybody, as it tells nothing of what is kept here."""
    read_query(request, {})
    return json_answer(document())
