"""Events as they happen, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from receiver.contracts import Store
from receiver.lib import ids
from receiver.views.filters import TYPES, Reader, id_reader, text_reader, word_reader
from receiver.web.api.broadcast import (
    Broadcast,
    StreamFilter,
    newest,
)
from receiver.web.api.filters import read_query
from receiver.web.problems import Refusal

SSE: Final = "text/event-stream"
#: Seconds of silence after which a comment keeps the connection alive.
KEEP_ALIVE: Final = 15.0
#: Where in the ASGI scope is said how an answer that has begun goes on; see `go_on`.
GOES_ON: Final = "gridhook.goes_on"

GoesOn = Callable[[Receive, Send], Awaitable[None]]


class Stream:
    """`/api/v1/stream`."""

    def __init__(self, store: Store, stopping: asyncio.Event, keep_alive: float = KEEP_ALIVE) -> None:
        self._store = store
        self._broadcast = Broadcast(store, stopping, keep_alive)

    def routes(self) -> list[Route]:
        return [Route("/stream", self.stream, methods=["GET"])]

    async def stream(self, request: Request) -> Response:
        """Events after `Last-Event-ID` (or `since`), else from now on, until the caller or the process goes."""
        readers: dict[str, Reader] = {"since": id_reader("evt"), "type": word_reader(TYPES), "source": text_reader}
        asked = read_query(request, readers)
        seen = _last_seen(request)
        start: int | None = asked.get("since") if seen is None else seen
        if request.method == "HEAD":
            return Response(media_type=SSE)
        after = start if start is not None else await self._store.read(newest)
        wanted = StreamFilter(asked.get("type"), asked.get("source"))
        return StreamResponse(partial(self._broadcast.carry, wanted=wanted, after=after))


class StreamResponse(Response):
    """The beginning of a stream; the rest is left to `go_on`."""

    media_type = SSE

    def __init__(self, goes_on: GoesOn) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["x-accel-buffering"] = "no"  # nginx hands on what comes, when it comes
        self._goes_on = goes_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b": gridhook\n\n", "more_body": True})
        scope[GOES_ON] = self._goes_on


async def go_on(scope: Scope, receive: Receive, send: Send) -> None:
    """Goes on with an answer that has begun, outside of all layers: while it lasts, theirs would be kept in memory."""
    goes_on: GoesOn | None = scope.pop(GOES_ON, None)
    if goes_on is not None:
        await goes_on(receive, send)


def _last_seen(request: Request) -> int | None:
    text = request.headers.get("last-event-id")
    if text is None:
        return None
    number = ids.read("evt", text)
    if number is None:
        raise Refusal(400, "invalid_query", f"Last-Event-ID is the id of an event, not {text[:40]!r}")
    return number
