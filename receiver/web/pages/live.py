"""`/live`: open pages hear the names of what changed, and fetch their parts themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from time import monotonic
from typing import Final, NamedTuple

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Send

from receiver.contracts import Store, Transaction, Watch
from receiver.errors import StoreUnavailable
from receiver.lib import ids
from receiver.views.overview import Waiting, waiting
from receiver.web.api.broadcast import newest
from receiver.web.api.stream import StreamResponse
from receiver.web.api.waiting import news
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.problems import Refusal

log = structlog.get_logger("web")

#: Pages are told no more often than this, seconds.
PACE_S: Final = 1.0
#: Seconds of silence after which a comment keeps the connection alive.
KEEP_ALIVE_S: Final = 15.0
#: A stream ends after so long, and the page opens another: who was signed out meanwhile gets none. Seconds.
LASTS_S: Final = 600.0
#: Events that are looked at in a round; if there are more, the next round begins at once.
BATCH: Final = 200
#: Names that a page has not fetched yet; beyond that it hears no more of them until it has.
MOST_NAMES: Final = 300
#: What a page may be about, beside one family.
PLACES: Final = frozenset({"wall", "waiting", "deliveries", "requests", "health"})
#: What the cost of today may change with.
COSTLY: Final = frozenset({"job.submitted", "job.completed", "job.failed", "job.canceled", "job.updated"})
STILL_HERE: Final = b": still here\n\n"


class _ChangedJob(msgspec.Struct, frozen=True):
    root_id: str = ""


class _ChangeHead(msgspec.Struct, frozen=True):
    id: str
    type: str
    data: _ChangedJob


_HEAD: Final = msgspec.json.Decoder(_ChangeHead)


class Changes(NamedTuple):
    """What a round found."""

    #: Ids of the roots of the families that something happened in.
    roots: frozenset[str]
    types: frozenset[str]
    #: The number of the last event that was looked at, and whether there are more.
    until: int
    is_cut: bool
    waiting: Waiting


class LivePage:
    """An open page: what it is about, and what it is yet to hear."""

    __slots__ = ("is_over", "names", "of", "send", "since", "spoke_at", "task")

    def __init__(self, of: str, send: Send, now: float) -> None:
        self.of = of
        self.send = send
        self.since = self.spoke_at = now
        self.names: dict[str, None] = {}
        self.is_over = False
        #: What speaks to it right now.
        self.task: asyncio.Task[None] | None = None

    def tell(self, names: Iterable[str]) -> None:
        """It shall hear these names."""
        for name in names:
            if len(self.names) < MOST_NAMES:
                self.names[name] = None


class Live:
    """Follows the commits while pages are open: one look a second for all of them, however many there are."""

    def __init__(self, store: Store, stopping: asyncio.Event, pace_s: float = PACE_S) -> None:
        self._store = store
        self._stopping = stopping
        self._pace_s = pace_s
        self._pages: set[LivePage] = set()
        self._run: asyncio.Task[None] | None = None
        self._until = 0
        self._newest_root = 0
        self._waiting: Waiting | None = None

    def routes(self, visits: Visits) -> list[Route]:
        """`/live`, for who may see pages."""
        return [Route("/live", visits.reading(self.live), methods=["GET"])]

    async def live(self, request: Request, _visitor: Visitor) -> Response:
        """The stream of a page: `of` says what it is about."""
        of = request.query_params.get("of", "")
        if of not in PLACES and ids.read("job", of) is None:
            raise Refusal(400, "invalid_query", f"of is {', '.join(sorted(PLACES))} or the id of a family's root")
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return StreamResponse(partial(self._carry, of=of))

    async def _carry(self, receive: Receive, send: Send, of: str) -> None:
        page = LivePage(of, send, monotonic())
        self._pages.add(page)
        if self._run is None:
            self._run = asyncio.create_task(self._follow(self._store.watch()))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._pages.discard(page)
            if page.task is not None:
                page.task.cancel()
            if not self._pages and self._run is not None:
                self._run.cancel()
                self._run = None

    async def _follow(self, watch: Watch) -> None:
        try:
            self._until = await self._store.read(newest)
            self._newest_root = self._until
            self._waiting = await self._store.read(waiting)
            while not self._stopping.is_set():
                is_changed = await news(watch, self._stopping, self._pace_s)
                if is_changed:
                    await self._round()
                self._speak_to_all()
                await asyncio.sleep(self._pace_s if is_changed else 0)
        except StoreUnavailable as wrong:
            log.error("live.ended", reason=str(wrong))
        except Exception:
            log.exception("live.broke")
        finally:
            watch.close()
        self._run = None
        for page in self._pages:
            page.is_over = True
        self._speak_to_all()

    async def _round(self) -> None:
        is_cut = True
        while is_cut:
            changes = await self._store.read(partial(_changes, self._until))
            is_cut, self._until = changes.is_cut, changes.until
            common = ["cost"] if changes.types & COSTLY else []
            common += ["waiting"] if changes.waiting != self._waiting else []
            self._waiting = changes.waiting
            table = [*common, "changed"]
            # A card fetches itself. The whole wall is fetched for a new family, and a filtered one for any change:
            # what happened may bring a family in, or take it out.
            wall = [*table, *changes.roots, *(["family"] if self._is_new(changes.roots) else [])]
            for page in self._pages:
                if page.of == "wall":
                    page.tell(wall)
                elif page.of in ("deliveries", "requests", "health"):
                    page.tell(table)
                else:
                    page.tell([*common, page.of] if page.of in changes.roots else common)

    def _is_new(self, roots: Iterable[str]) -> bool:
        """Whether there is a family among them that is newer than all that pages have heard of."""
        last = max((ids.read("job", root) or 0 for root in roots), default=0)
        is_new = last > self._newest_root
        self._newest_root = max(last, self._newest_root)
        return is_new

    def _speak_to_all(self) -> None:
        now = monotonic()
        for page in self._pages:
            page.is_over |= now - page.since >= LASTS_S
            if page.task is None and (page.names or page.is_over or now - page.spoke_at >= KEEP_ALIVE_S):
                page.task = asyncio.create_task(self._speak(page))

    async def _speak(self, page: LivePage) -> None:
        """Tells a page what it is yet to hear. One that does not read holds up nobody else."""
        try:
            names, page.names = page.names, {}
            told = b"".join(b"event: %s\ndata: 1\n\n" % name.encode() for name in names) or STILL_HERE
            page.spoke_at = monotonic()
            await page.send({"type": "http.response.body", "body": told, "more_body": not page.is_over})
        except OSError as wrong:
            log.info("live.gone", reason=str(wrong))
        finally:
            page.task = None


def _changes(until: int, tx: Transaction) -> Changes:
    bodies = tx.events_after(until, BATCH)
    heads = [_HEAD.decode(body) for body in bodies]
    return Changes(
        roots=frozenset(head.data.root_id for head in heads if head.data.root_id),
        types=frozenset(head.type for head in heads),
        until=(ids.read("evt", heads[-1].id) or until) if heads else until,
        is_cut=len(bodies) == BATCH,
        waiting=waiting(tx),
    )
