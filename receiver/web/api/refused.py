"""The newest refused webhooks over HTTP."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.views.filters import refused_readers
from receiver.views.refused import RefusedFilters, refused_views
from receiver.web.api.answers import json_answer
from receiver.web.api.filters import read_query
from receiver.web.ingest.refused import RefusedRequests


class RefusedApi:
    """`/api/v1/refused`."""

    def __init__(self, refused: RefusedRequests) -> None:
        self._refused = refused

    def routes(self) -> list[Route]:
        """Its address."""
        return [Route("/refused", self.refused, methods=["GET"])]

    async def refused(self, request: Request) -> Response:
        """Why the newest requests were refused, the latest first, in one page."""
        wanted = RefusedFilters(**read_query(request, refused_readers()))
        return json_answer({"items": refused_views(await self._refused.newest(), wanted), "next": None})
