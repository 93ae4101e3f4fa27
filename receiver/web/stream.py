"""Events as they happen, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final, NamedTuple

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from receiver import ids
from receiver.contracts import Filters, Store, Transaction
from receiver.errors import StoreUnavailable
from receiver.web.bodies import Refusal
from receiver.web.filters import TYPES, Reader, id_reader, read_query, text_reader, word_reader
from receiver.web.lists_api import HEAD, EventHead
from receiver.web.waiting import news

log = structlog.get_logger("web")

SSE: Final = "text/event-stream"
#: Seconds of silence after which a comment keeps the connection alive.
KEEP_ALIVE: Final = 15.0
#: Events that are read at a time: all that a slow reader makes us remember.
BATCH: Final = 100


class Wanted(NamedTuple):
    """Which events a stream carries; None = all."""

    type: object = None
    source: object = None

    def has(self, head: EventHead) -> bool:
        """Whether the event is wanted."""
        return self.type in (None, head.type) and self.source in (None, head.source.removeprefix("gridhook/"))


class Stream:
    """`/api/v1/stream`."""

    def __init__(self, store: Store, stopping: asyncio.Event, keep_alive: float = KEEP_ALIVE) -> None:
        self._store = store
        self._stopping = stopping
        self._keep_alive = keep_alive

    def routes(self) -> list[Route]:
        """Its address."""
        return [Route("/stream", self.stream, methods=["GET"])]

    async def stream(self, request: Request) -> Response:
        """Events after `Last-Event-ID` (or `since`), else from now on, until the caller or the process goes."""
        readers: dict[str, Reader] = {"since": id_reader("evt"), "type": word_reader(TYPES), "source": text_reader}
        asked = read_query(request, readers)
        seen = _last_seen(request)
        start: int | None = asked.get("since") if seen is None else seen
        if request.method == "HEAD":
            return Response(media_type=SSE)
        after = start if start is not None else await self._store.read(_newest)
        wanted = Wanted(asked.get("type"), asked.get("source"))
        return StreamingResponse(self._frames(after, wanted), media_type=SSE)

    async def _frames(self, after: int, wanted: Wanted) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        watch = self._store.watch()
        try:
            yield b": gridhook\n\n"
            spoke_at = clock()
            while not self._stopping.is_set():
                batch = await self._store.read(partial(_after, after))
                for body in batch:
                    head = HEAD.decode(body)
                    after = head.number
                    if wanted.has(head):
                        yield _frame(head, body)
                        spoke_at = clock()
                if clock() - spoke_at >= self._keep_alive:
                    yield b": still here\n\n"
                    spoke_at = clock()
                if len(batch) < BATCH:
                    await news(watch, self._stopping, self._keep_alive - (clock() - spoke_at))
        except StoreUnavailable as wrong:
            # The caller comes back with Last-Event-ID and misses nothing.
            log.error("stream.ended", reason=str(wrong))
        finally:
            watch.close()


def _after(number: int, tx: Transaction) -> list[bytes]:
    return tx.events_after(number, BATCH)


def _frame(head: EventHead, body: bytes) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (head.id.encode(), head.type.encode(), body)


def _last_seen(request: Request) -> int | None:
    text = request.headers.get("last-event-id")
    if text is None:
        return None
    number = ids.read("evt", text)
    if number is None:
        raise Refusal(400, "invalid_query", f"Last-Event-ID is the id of an event, not {text[:40]!r}")
    return number


def _newest(tx: Transaction) -> int:
    newest = tx.events(Filters(limit=1))
    return HEAD.decode(newest[0]).number if newest else 0
