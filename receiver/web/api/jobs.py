"""Jobs over HTTP: submit, list, look, wait, pick, resolve, cancel."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Store, Transaction
from receiver.contracts.setup import Setup
from receiver.flows.archiving import with_copies
from receiver.flows.commands import (
    cancel,
    job_of,
    pick,
    resolve,
    submit,
)
from receiver.lib.times import Clock
from receiver.model.jobs import (
    TERMINAL,
    KeptJob,
)
from receiver.model.submissions import Pick, Resolve, Submission
from receiver.views.filters import JOBS, number_reader
from receiver.views.records import JobDetail, job_detail
from receiver.web.api.answers import (
    MAX_CHOICE,
    json_answer,
    page,
    read_record,
)
from receiver.web.api.filters import filters_of, read_query
from receiver.web.api.waiting import news

#: Largest body of an order, bytes: an inpaint mask may have 12,000,000 characters (Apiframe, documented).
MAX_WISH: Final = 16 * 1024 * 1024
#: The longest that a caller may wait for a job, seconds; whoever asks for more waits so long.
MAX_WAIT: Final = 60
#: Statuses in which nothing will happen by itself soon.
RESTING: Final = TERMINAL | {"held", "unsure"}


class JobsApi:
    """`/api/v1/jobs`."""

    def __init__(self, store: Store, setup: Setup, clock: Clock, stopping: asyncio.Event) -> None:
        self._store = store
        self._setup = setup
        self._clock = clock
        self._stopping = stopping

    def routes(self) -> list[Route]:
        return [
            Route("/jobs", self.many, methods=["GET", "POST"]),
            Route("/jobs/{job_id}", self.one, methods=["GET"]),
            Route("/jobs/{job_id}/pick", self.pick, methods=["POST"]),
            Route("/jobs/{job_id}/resolve", self.resolve, methods=["POST"]),
            Route("/jobs/{job_id}/cancel", self.cancel, methods=["POST"]),
        ]

    async def many(self, request: Request) -> Response:
        """A page of jobs, or a new one."""
        return await self._submit(request) if request.method == "POST" else await self._list(request)

    async def _list(self, request: Request) -> Response:
        filters = filters_of(request, JOBS)
        return page("job", await self._store.read(lambda tx: tx.jobs(filters)), lambda kept: self._fresh(kept).job)

    async def _submit(self, request: Request) -> Response:
        read_query(request, {})
        submission = await read_record(request, Submission, MAX_WISH)
        key = request.headers.get("idempotency-key")
        now = self._clock()
        kept = await self._store.write(lambda tx: submit(tx, self._setup, submission, now, key))
        return _planned(kept)

    async def one(self, request: Request) -> Response:
        """A job; with `wait` not before it is over (or held, or unsure), or the time is."""
        asked = read_query(request, {"wait": number_reader(0, 86_400)})
        seconds = min(asked.get("wait", 0), MAX_WAIT)
        return json_answer(await self._finished(request.path_params["job_id"], seconds))

    async def _finished(self, job_id: str, seconds: float) -> JobDetail:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        watch = self._store.watch()
        try:
            while True:
                job = job_detail(self._fresh(await self._store.read(lambda tx: job_of(tx, job_id))))
                left = end - loop.time()
                if job.status in RESTING or left <= 0 or self._stopping.is_set():
                    return job
                await news(watch, self._stopping, left)
        finally:
            watch.close()

    def _fresh(self, kept: KeptJob) -> KeptJob:
        """The job with links to our copies that open them from now on."""
        if not kept.copies:
            return kept
        return with_copies(kept, self._setup, self._store.ref_key, self._clock())

    async def pick(self, request: Request) -> Response:
        """Plans the pick of a tile, which answers the grid's question; the same tile again returns the same job."""
        read_query(request, {})
        wanted = await read_record(request, Pick, MAX_CHOICE)
        now = self._clock()
        job_id = request.path_params["job_id"]
        kept = await self._store.write(lambda tx: pick(tx, self._setup, job_id, wanted.index, "api", now))
        return _planned(kept)

    async def resolve(self, request: Request) -> Response:
        """A person's word on a job that is unsure or held. `send` may be paid twice if the job is unsure."""
        read_query(request, {})
        wanted = await read_record(request, Resolve, MAX_CHOICE)
        now = self._clock()
        job_id = request.path_params["job_id"]
        kept = await self._store.write(lambda tx: resolve(tx, self._setup, job_id, wanted.decision, now))
        return _planned(kept)

    async def cancel(self, request: Request) -> Response:
        """Cancels a job that is not ordered yet; else its vendor is asked to stop it."""
        read_query(request, {})
        now = self._clock()
        job_id = request.path_params["job_id"]
        kept = await self._store.write(lambda tx: _cancel(tx, self._setup, job_id, now))
        return _planned(kept)


def _cancel(tx: Transaction, setup: Setup, job_id: str, now: int) -> KeptJob:
    return cancel(tx, setup, job_of(tx, job_id), now)


def _planned(kept: KeptJob) -> Response:
    return json_answer(kept.job, 202, {"location": f"/api/v1/jobs/{kept.job.id}"})
