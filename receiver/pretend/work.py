"""The pretend vendor at work: jobs go on, end, and are told about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec

from receiver.lib.times import Clock
from receiver.pretend.book import PretendJob, Shelf
from receiver.pretend.options import (
    EventKind,
    Shares,
    Switch,
    VendorOptions,
    WebhookTarget,
)
from receiver.pretend.posting import Postman


class Teller(Protocol):
    """How a vendor's webhooks look, and how stubborn it is."""

    #: Waits between tries of one webhook, seconds.
    retry: tuple[float, ...]
    #: A 4xx from the receiver ends the tries.
    four_is_final: bool

    def hook(self, job: PretendJob, kind: EventKind, options: VendorOptions, key: str) -> WebhookTarget | None:
        """The webhook about a job, None if there is none of this kind. `key` is the API key that ordered it."""
        ...

    def forgery(self, hook: WebhookTarget) -> WebhookTarget:
        """The same webhook as somebody would send it who does not know the secret."""
        ...


class Workshop:
    """Carries out jobs in the background and posts their webhooks."""

    def __init__(self, teller: Teller, options: VendorOptions, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.book: Shelf[PretendJob] = Shelf()
        #: API keys by job.
        self.keys: Shelf[str] = Shelf()
        self.postman = Postman(four_is_final=teller.four_is_final, on_event=self.change)
        #: Called for each webhook that is lost on purpose: the job's id, and what it would have told.
        self.on_lost: Callable[[str, EventKind], None] = lambda *_: None
        self._teller = teller
        self._shares = Shares()
        #: Progress that waits for the result to overtake it, by job.
        self._held: dict[str, list[PretendJob]] = {}
        #: The last webhook of each job that is under way; the next waits for it.
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def strikes(self, switch: Switch) -> bool:
        """Whether a switch that is on strikes this time."""
        return self._shares.strikes(switch, self.options)

    async def take(self, job: PretendJob, key: str) -> None:
        """Puts a new job into the book and begins with it. `key` is the API key that ordered it."""
        self.keys.put(job.id, key)
        self.put(job)
        if job.state == "waiting":
            return
        if self.options.webhook_before_answer and self.strikes("webhook_before_answer"):
            await asyncio.wait({self._finish(job)})
        elif job.order.slowness == 0:
            self._finish(job)
        else:
            self.start(job)

    def start(self, job: PretendJob) -> None:
        """Lets a job go on by itself until it ends."""
        if job.state == "waiting":
            self.put(msgspec.structs.replace(job, state="queued"))
        self._spawn(self._work(job.id, self.options.pace * job.order.slowness))

    def cancel(self, job: PretendJob) -> None:
        """Ends a job that has not ended yet; no webhook tells of it."""
        if not job.ended:
            self.put(msgspec.structs.replace(job, state="canceled", finished=self.clock()))

    def put(self, job: PretendJob) -> None:
        """Writes a job's new state into the book."""
        self.book.put(job.id, job)
        self.change()

    def change(self) -> None:
        """Wakes all who wait in `until`."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def settled(self) -> None:
        """Waits until every job has ended and every webhook has been posted or given up."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits until `true()`; looks again after every order, change of a job and post."""
        while not true():
            await self._changed.wait()

    async def close(self) -> None:
        """Drops unfinished work and closes connections."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.postman.close()

    # --- a job's way

    async def _work(self, job_id: str, seconds: float) -> None:
        steps = self.options.progress_steps
        for step in range(1, steps + 1):
            await asyncio.sleep(seconds / (steps + 1))
            job = self.book.get(job_id)
            if job is None or job.ended:
                return
            self._progress(msgspec.structs.replace(job, state="running", progress=100 * step // (steps + 1)))
        await asyncio.sleep(seconds / (steps + 1))
        last = self.book.get(job_id)
        if last is not None and not last.ended:
            self._finish(last)

    def _progress(self, job: PretendJob) -> None:
        self.put(job)
        if job.id in self._held or (self.options.reorder and self.strikes("reorder")):
            self._held.setdefault(job.id, []).append(job)
        else:
            self._tell(job, "progress")

    def _finish(self, job: PretendJob) -> asyncio.Task[None]:
        error = self.options.fail if self.options.fail is not None and self.strikes("fail") else None
        now = self.clock()
        if error is None:
            job = msgspec.structs.replace(job, state="completed", progress=100, finished=now)
        else:
            job = msgspec.structs.replace(job, state="failed", progress=0, error=error, finished=now)
        self.put(job)
        told = self._tell(job, "completed" if error is None else "failed")
        for overtaken in reversed(self._held.pop(job.id, [])):
            self._tell(overtaken, "progress")
        self._sending.pop(job.id, None)
        return told

    # --- its webhooks

    def _tell(self, job: PretendJob, kind: EventKind) -> asyncio.Task[None]:
        told = self._spawn(self._send(job, kind, self._sending.get(job.id)))
        self._sending[job.id] = told
        return told

    async def _send(self, job: PretendJob, kind: EventKind, previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await asyncio.wait({previous})
        options = self.options
        key = self.keys.get(job.id) or ""
        hook = self._teller.hook(job, kind, options, key)
        if hook is None:
            return
        if options.loses(kind) and self.strikes("lose"):
            self.on_lost(job.id, kind)
            return
        if options.late and self.strikes("late"):
            await asyncio.sleep(options.late)
        if options.forge and self.strikes("forge"):
            await self._forge(job, key)
        copies = options.duplicates if options.duplicates > 1 and self.strikes("duplicates") else 1
        waits = self._teller.retry if options.retry is None else options.retry
        arrived = await asyncio.gather(
            *(
                self.postman.deliver(hook, job.id, kind, waits if kind != "progress" else (), options.webhook_timeout)
                for _ in range(copies)
            )
        )
        self._note_arrival(job.id, any(arrived))

    async def _forge(self, job: PretendJob, key: str) -> None:
        claim = msgspec.structs.replace(job, state="failed", error="forged", finished=self.clock())
        hook = self._teller.hook(claim, "failed", self.options, key)
        if hook is not None:
            await self.postman.forge(self._teller.forgery(hook), job.id, "failed", self.options.webhook_timeout)

    def _note_arrival(self, job_id: str, arrived: bool) -> None:
        job = self.book.get(job_id)
        if job is not None and job.ended:
            self.put(msgspec.structs.replace(job, webhook="delivered" if arrived else "failed"))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
