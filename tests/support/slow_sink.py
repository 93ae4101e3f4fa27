"""A sink that takes its time."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

#: Brings picked tiles to it, where it stands at `{sink}`.
SLOW = """
[sinks.backend]
handler = "webhook"
url = "{sink}/hooks"
secret = "whsec_YmVuY2gtc2luay1zZWNyZXQtMDEyMzQ1"

[[rules]]
when = {{ type = "job.completed", action = "pick" }}
to = ["backend"]
"""


class SlowSink:
    """Takes webhooks and answers none of them until `open` is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.ids: list[str] = []
        self.app = Starlette(routes=[Route("/hooks", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        await request.body()
        self.ids.append(request.headers["webhook-id"])
        await self.open.wait()
        return Response(status_code=200)
