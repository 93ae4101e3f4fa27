"""The machinery that all pretend vendors share: check the key, take orders, bill them, misbehave."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple, Protocol

from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.lib.times import Clock, system_clock
from receiver.pretend import pictures
from receiver.pretend.book import (
    LIMIT,
    Draft,
    PretendJob,
    Shelf,
    new_job,
)
from receiver.pretend.faults import (
    Fault,
    PretendRefusal,
    break_off,
    fault,
    stay,
)
from receiver.pretend.fields import json_of
from receiver.pretend.options import (
    Bill,
    Post,
    VendorOptions,
)
from receiver.pretend.work import Teller, Workshop

#: An idempotency key lives so long (documented by Apiframe).
KEY_LIFE_MS: Final = 86_400_000
WORDS: Final = {
    400: "Invalid request",
    401: "Invalid API key",
    402: "Insufficient credits",
    403: "Forbidden",
    404: "Not found",
    409: "The requested action is not available for the parent job",
    429: "Rate limit exceeded",
}

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class PretendRequest(NamedTuple):
    """A request, read: what a face's own code gets to see."""

    method: str
    #: The path of its address.
    url_path: str
    #: The JSON of a POST, PUT or PATCH; an empty object for anything else.
    value: Any
    headers: Headers
    query: QueryParams
    path: Mapping[str, str]
    book: Shelf[PretendJob]
    #: Scheme and host the request was sent to.
    base: str
    #: Unix ms
    now: int

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of a POST; empty for a GET. Raises PretendRefusal (400) if it is no object."""
        if not isinstance(self.value, dict):
            raise PretendRefusal(400, "Request body must be a JSON object")
        return self.value


class Face(Teller, Protocol):
    """What one vendor looks like over HTTP. Pure but for the ids it makes."""

    name: str
    #: What the vendor's base URL has after the host.
    base_path: str

    def routes(self, vendor: PretendVendor) -> list[Route]:
        """The vendor's addresses."""
        ...

    def key(self, headers: Headers) -> str | None:
        """The API key of a request; None if it is missing or not said in the vendor's way."""
        ...

    def refusal(self, refused: PretendRefusal, path: str) -> Response:
        """An error in the vendor's words."""
        ...

    def new_id(self, order: Draft) -> str:
        """A new job id of the vendor's make."""
        ...

    def accepted(self, jobs: list[PretendJob]) -> Response:
        """The answer to an order."""
        ...


class OrderSeen(NamedTuple):
    """An order, and what it was answered."""

    path: str
    #: The jobs that it led to.
    jobs: tuple[PretendJob, ...]
    #: The HTTP status; None = the connection was cut.
    status: int | None


class Replay(NamedTuple):
    """What an idempotency key stands for."""

    body: dict[str, Any]
    ids: tuple[str, ...]
    #: Unix ms
    at: int


class PretendVendor:
    """One vendor: `app` is its ASGI application, `bills` what it charged, `posts` what it told."""

    def __init__(self, face: Face, options: VendorOptions, clock: Clock = system_clock) -> None:
        """`clock` returns Unix ms. Raises ValueError if `options.order_failures` names a fault that there is not."""
        self.face = face
        self.work = Workshop(face, options, clock)
        self._bills: deque[Bill] = deque(maxlen=LIMIT)
        self._faults: deque[Fault] = deque(fault(name) for name in options.order_failures)
        self._replays: Shelf[Replay] = Shelf()
        #: Called for each order with what became of it.
        self.on_order: Callable[[OrderSeen], None] = lambda _: None
        self.app = Starlette(
            # Pictures first: a face may take every address.
            routes=[Route("/pictures/{job}/{part}.png", self.picture), *face.routes(self)],
            lifespan=self._lifespan,
        )

    @property
    def name(self) -> str:
        """The vendor's name: `journeyapi`, `apiframe`, `apimart`, `vtrix`, `midjourney-proxy`."""
        return self.face.name

    @property
    def base_path(self) -> str:
        """What a base URL has after the host: `/api/v1` at JourneyAPI, nothing elsewhere."""
        return self.face.base_path

    @property
    def options(self) -> VendorOptions:
        """The switches. May be exchanged while it runs (but for `order_failures`: see `fail_next`)."""
        return self.work.options

    @options.setter
    def options(self, options: VendorOptions) -> None:
        self.work.options = options

    @property
    def bills(self) -> tuple[Bill, ...]:
        """Every order that was taken, oldest first."""
        return tuple(self._bills)

    @property
    def posts(self) -> tuple[Post, ...]:
        """Every try at posting a webhook, oldest first, forgeries included."""
        return tuple(self.work.postman.posts)

    @property
    def jobs(self) -> tuple[PretendJob, ...]:
        """Every job, oldest first."""
        return tuple(self.work.book)

    def fail_next(self, *names: str) -> None:
        """Lets the next orders go wrong, one name each (see `faults.py`). Raises ValueError for an unknown name."""
        self._faults.extend([fault(name) for name in names])

    async def settled(self) -> None:
        """Waits until every job has ended and every webhook has been posted or given up."""
        await self.work.settled()

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits until `true()`; looks again after every order, change of a job and post."""
        await self.work.until(true)

    async def close(self) -> None:
        """Drops unfinished work and closes connections. The application's lifespan ends with this."""
        await self.work.close()

    def ordering(self, read: Callable[[PretendRequest], Draft]) -> Endpoint:
        """An endpoint that takes orders. `read` checks the received and raises PretendRefusal."""

        async def endpoint(request: Request) -> Response:
            jobs: list[PretendJob] = []
            status = None
            try:
                received = await self._read(request)
                answer = await self._order(request, received, read(received), jobs)
                status = answer.status_code
                return answer
            except PretendRefusal as refused:
                status = refused.status
                return self.face.refusal(refused, request.url.path)
            finally:
                self.on_order(OrderSeen(request.url.path, tuple(jobs), status))

        return endpoint

    def asking(self, answer: Callable[[PretendRequest], Response]) -> Endpoint:
        """An endpoint that costs nothing. `answer` raises PretendRefusal."""

        async def endpoint(request: Request) -> Response:
            try:
                return answer(await self._read(request))
            except PretendRefusal as refused:
                return self.face.refusal(refused, request.url.path)

        return endpoint

    async def _read(self, request: Request) -> PretendRequest:
        key = self.face.key(request.headers)
        if not key or (self.options.api_key and key != self.options.api_key):
            raise PretendRefusal(401, WORDS[401])
        return PretendRequest(
            method=request.method,
            url_path=request.url.path,
            value=await json_of(request),
            headers=request.headers,
            query=request.query_params,
            path=request.path_params,
            book=self.work.book,
            base=str(request.base_url).rstrip("/"),
            now=self.work.clock(),
        )

    async def _order(
        self, request: Request, received: PretendRequest, draft: Draft, jobs: list[PretendJob]
    ) -> Response:
        """The answer to an order; the jobs that it leads to are added to `jobs`."""
        broken = self._faults.popleft() if self._faults else self._usual_fault()
        if broken is None or broken.taken:
            jobs += self._replayed(draft, received.now) or await self._take(received, draft)
        await stay(request, self.options.order_delay)
        if broken is None:
            return self.face.accepted([self.work.book.get(job.id) or job for job in jobs])
        if broken.refusal is not None:
            raise PretendRefusal(broken.refusal, WORDS.get(broken.refusal, "Internal server error"))
        return await break_off(broken.name, request)

    def _usual_fault(self) -> Fault | None:
        """What goes wrong with a share of all orders."""
        name = self.options.order_fault
        return fault(name) if name and self.work.strikes("order_fault") else None

    def _replayed(self, draft: Draft, now: int) -> list[PretendJob]:
        replay = self._replays.get(draft.idempotency_key) if draft.idempotency_key is not None else None
        if replay is None or now - replay.at >= KEY_LIFE_MS:
            return []
        if replay.body != draft.body:
            raise PretendRefusal(409, "Idempotency-Key was used with a different body")
        return [job for job in map(self.work.book.get, replay.ids) if job is not None]

    async def _take(self, received: PretendRequest, draft: Draft) -> list[PretendJob]:
        jobs = [new_job(self.face.new_id(draft), draft, received.base, received.now) for _ in range(draft.count)]
        if draft.idempotency_key is not None:
            self._replays.put(draft.idempotency_key, Replay(draft.body, tuple(job.id for job in jobs), received.now))
        self._bills.extend(_bill(job) for job in jobs)
        for job in jobs:
            await self.work.take(job, self.face.key(received.headers) or "")
        return jobs

    def picture(self, request: Request) -> Response:
        """A picture of a job."""
        job = self.work.book.get(request.path_params["job"])
        image = _draw(job, request.path_params["part"]) if job is not None else None
        if image is None:
            return Response("no such picture", 404, media_type="text/plain")
        return Response(image, media_type="image/png")

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await self.close()


def _bill(job: PretendJob) -> Bill:
    order = job.order
    return Bill(
        order_id=job.id,
        endpoint=order.kind,
        amount=order.amount,
        unit=order.unit,
        body=order.body,
        idempotency_key=order.idempotency_key,
        webhook_url=order.webhook_url,
    )


def _draw(job: PretendJob, part: str) -> bytes | None:
    if part == "grid" and job.order.shape == "grid":
        return pictures.grid(job.seeds, job.order.prompt)
    if part.isascii() and part.isdigit() and 1 <= int(part[:2]) <= len(job.seeds):
        return pictures.single(job.seeds[int(part[:2]) - 1], job.order.prompt, job.order.size)
    return None
