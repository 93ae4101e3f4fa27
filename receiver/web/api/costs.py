"""What orders cost, over HTTP."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Store
from receiver.contracts.setup import Setup
from receiver.lib.times import Clock
from receiver.views.costs import summary
from receiver.views.filters import past_moment
from receiver.web.api.answers import json_answer
from receiver.web.api.filters import read_query


class CostsApi:
    """`/api/v1/costs`."""

    def __init__(self, store: Store, setup: Setup, clock: Clock) -> None:
        self._store = store
        self._setup = setup
        self._clock = clock

    def routes(self) -> list[Route]:
        return [Route("/costs", self.costs, methods=["GET"])]

    async def costs(self, request: Request) -> Response:
        """What orders cost by source, rule and day, the state of each budget, and who takes no orders."""
        asked = read_query(request, {"since": past_moment, "until": past_moment})
        since, until, now = asked.get("since"), asked.get("until"), self._clock()
        return json_answer(await self._store.read(lambda tx: summary(tx, self._setup, since, until, now)))
