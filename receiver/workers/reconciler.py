"""Reconcile: asks the vendors about jobs whose webhooks do not come, and sees to holds and deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from typing import Final

import msgspec
import structlog

from receiver.contracts import (
    Source,
    Store,
    Transaction,
    Transport,
    Watch,
)
from receiver.contracts.setup import Setup
from receiver.errors import (
    StoreUnavailable,
    TransportError,
    Unmapped,
    Unsupported,
)
from receiver.flows.advance import advance, release
from receiver.flows.asking.questions import see_to_deadline
from receiver.flows.breakers import wait_after
from receiver.flows.open_jobs import check_everything_open
from receiver.flows.operator.missing_webhooks import note_completed_by_asking
from receiver.flows.poll_times import (
    askable,
    check_after_miss,
    deadline_of,
    next_check,
)
from receiver.flows.reports import report_to
from receiver.lib.times import Clock, stamp
from receiver.model.jobs import (
    TERMINAL,
    ErrorCode,
    JobError,
    KeptJob,
    Report,
)

log = structlog.get_logger("reconcile")

#: Between two status queries of one source, seconds: its request budget.
GAP: Final = 0.5
LONGEST_SLEEP: Final = 60.0
#: How long a process that does not lead waits before it asks again, seconds.
LEAD_WAIT: Final = 2.0
#: How long dropped queries may take to end, seconds.
SETTLING: Final = 1.0
#: How many due jobs of a source are taken up at once; a query takes as many as the vendor allows.
AT_ONCE: Final = 100
#: How long after its deadline a job is still asked for while its vendor does not answer, seconds, if the vendor does
#: not document how long it keeps results.
PATIENCE: Final = 24 * 3600.0


class Reconciler:
    """Looks at everything open at its start, then at jobs when their look is due, one query at a time for each source.

    An idle system makes no calls, nor does a process that does not lead.
    """

    def __init__(self, store: Store, setup: Setup, transport: Transport, clock: Clock) -> None:
        self._store = store
        self._setup = setup
        self._transport = transport
        self._clock = clock
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._watch: Watch = store.watch()

    def start(self) -> None:
        """Begins to look."""
        self._loop = asyncio.create_task(self._run(), name="reconciler")

    def adopt(self, setup: Setup) -> None:
        """Looks by this setup from here on."""
        self._setup = setup
        self._watch.signal()

    async def stop(self) -> int:
        """Ends; queries are free, so those under way are dropped. Returns how many those were."""
        self._stopping = True
        self._watch.signal()
        await self._loop
        self._watch.close()
        dropped = list(self._busy.values())
        for task in dropped:
            task.cancel()
        if dropped:
            await asyncio.wait(dropped, timeout=SETTLING)
        return len(dropped)

    async def _run(self) -> None:
        started = False
        while not self._stopping:
            try:
                started, wait = (True, await self._go_on(started)) if self._store.leads() else (False, LEAD_WAIT)
            except StoreUnavailable as wrong:
                log.error("reconcile.waits", reason=str(wrong))
                wait = 1.0
            if not self._stopping:
                await self._watch.wait(wait)

    async def _go_on(self, started: bool) -> float:
        """Begins the looks that are due; returns when to do so again, seconds."""
        if not started:
            await self._store.write(lambda tx: check_everything_open(tx, self._setup, self._clock()))
        return await self._begin_looks()

    async def _begin_looks(self) -> float:
        now = self._clock()
        busy = frozenset(self._busy)
        due, following = await self._store.read(lambda tx: _due(tx, busy, now))
        for name, jobs in due.items():
            task = asyncio.create_task(self._look(self._setup.sources.get(name), jobs), name=f"look {name}")
            self._busy[name] = task
            task.add_done_callback(partial(self._ended, name))
        if following is None or following <= now:
            return LONGEST_SLEEP
        return min(LONGEST_SLEEP, (following - now) / 1000)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._busy.pop(name, None)
        self._watch.signal()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("look.broke", source=name, error=repr(error), exc_info=error)

    async def _look(self, source: Source | None, jobs: list[KeptJob]) -> None:
        """Sees to the due jobs of one source: holds and deadlines here, the others by asking, batch by batch.

        None: the jobs of a source that is not configured any more.
        """
        asked = [kept for kept in jobs if source is not None and kept.job.status != "held" and askable(source, kept)]
        others = [kept.number for kept in jobs if kept not in asked]
        try:
            if others:
                await self._store.write(partial(_see_to_all, self._setup, others, self._clock()))
            if source is None:
                return
            size = max(1, source.provider.query_batch)
            for start in range(0, len(asked), size):
                await self._ask(source, asked[start : start + size])
                await asyncio.sleep(GAP)
        except StoreUnavailable as wrong:
            log.error("look.waits", source=jobs[0].job.source, reason=str(wrong))
            await asyncio.sleep(1)

    async def _ask(self, source: Source, jobs: Sequence[KeptJob]) -> None:
        started = self._clock()
        for kept in jobs:
            if kept.cancel_wanted:
                await self._cancel(source, kept)
        reports, trouble = await self._reports(source, jobs)
        now = self._clock()
        numbers = [kept.number for kept in jobs]
        events = await self._store.write(
            lambda tx: take_answers(tx, self._setup, source, numbers, reports, trouble is None, now)
        )
        log.info(
            "jobs.looked_at",
            source=source.name,
            jobs=[kept.job.id for kept in jobs],
            reports=len(reports),
            events=events,
            trouble=trouble,
            took_ms=now - started,
        )

    async def _cancel(self, source: Source, kept: KeptJob) -> None:
        """Asks the vendor to stop a job; what became of it is told by the status query that follows."""
        call = source.provider.cancel(kept, source)
        if call is None:
            return
        try:
            answer = await self._transport.send(call, source.timeout)
            note = f"HTTP {answer.status}"
        except TransportError as wrong:
            note = str(wrong)
        log.info("job.cancel_asked", source=source.name, job_id=kept.job.id, note=note)

    async def _reports(self, source: Source, jobs: Sequence[KeptJob]) -> tuple[list[Report], str | None]:
        try:
            call = source.provider.query(jobs, source)
            answer = await self._transport.send(call, source.timeout)
            return source.provider.read(answer, jobs), None
        except (TransportError, Unmapped, Unsupported) as wrong:
            return [], str(wrong)
        except Exception as wrong:  # a provider may be anybody's code: its fault must not stop the other looks
            log.exception("provider.broke", source=source.name)
            return [], f"the provider code broke: {type(wrong).__name__}"


def _due(tx: Transaction, busy: Collection[str], now: int) -> tuple[dict[str, list[KeptJob]], int | None]:
    """The due jobs of each source that is not busy, and when the next look of the other sources is due."""
    free = [name for name in tx.checked_sources() if name not in busy]
    found = {name: jobs for name in free if (jobs := tx.due_checks(name, now, AT_ONCE))}
    return found, tx.next_check([name for name in free if name not in found])


def take_answers(
    tx: Transaction,
    setup: Setup,
    source: Source,
    numbers: Sequence[int],
    reports: Sequence[Report],
    answered: bool,
    now: int,
) -> int:
    """Folds what a status query told into the jobs it asked for; returns the number of events made.

    Jobs that the answer leaves out are asked for again later; `answered` False: the vendor could not be asked at all.
    """
    told = {report.provider_job_id: report for report in reports if report.provider_job_id is not None}
    alone = reports[0] if len(numbers) == len(reports) == 1 else None
    events = 0
    for number in numbers:
        kept = tx.job(number)
        if kept is None or kept.job.status in TERMINAL:
            continue
        report = told.get(kept.job.provider_job_id or "")
        if report is None and alone is not None and alone.provider_job_id is None:
            report = alone
        if report is not None:
            events += report_to(tx, setup, kept, report, now, asked=True).events
            if report.status == "completed" and not kept.awaits_picture:
                note_completed_by_asking(tx, setup, source, kept, now)
        events += _go_on(tx, setup, source, number, report is not None, answered, now)
    return events


def _go_on(tx: Transaction, setup: Setup, source: Source, number: int, told: bool, answered: bool, now: int) -> int:
    """After a look at a job that is not over: the next look, or the end of our patience."""
    kept = tx.job(number)
    if kept is None or kept.job.status in TERMINAL:
        return 0
    if kept.awaits_picture:
        # The vendor has called it completed before, and was asked once: its word counts.
        done = Report(provider_job_id=kept.job.provider_job_id, status="completed")
        return report_to(tx, setup, kept, done, now, asked=True).events
    late = now - deadline_of(source, kept)
    patience = (source.provider.retention or PATIENCE) * 1000
    if late >= 0 and (answered or late > patience):
        return give_up(tx, setup, kept, *_reason(told, answered), now)
    counted = msgspec.structs.replace(kept, missed_checks=0 if told else kept.missed_checks + 1)
    at = next_check(source, counted, now, looked=True) if told else check_after_miss(source, counted, now)
    tx.put_job(msgspec.structs.replace(counted, check_at=at))
    return 0


def _reason(told: bool, answered: bool) -> tuple[ErrorCode, str]:
    if told:
        return "provider_timeout", "the provider was not done by the deadline"
    if answered:
        return "expired", "the provider does not know the job any more"
    return "provider_timeout", "the provider could not be asked until after the deadline"


def give_up(tx: Transaction, setup: Setup, kept: KeptJob, code: ErrorCode, message: str, now: int) -> int:
    """We stop waiting: failed by us, so a late result still completes it."""
    error = JobError(code=code, message=message, retryable=False)
    job = msgspec.structs.replace(kept.job, status="failed", error=error, finished_at=stamp(now))
    return advance(tx, setup, kept, msgspec.structs.replace(kept, job=job, gave_up=True), now)


def _see_to_all(setup: Setup, numbers: Sequence[int], now: int, tx: Transaction) -> None:
    for number in numbers:
        see_to(tx, setup, number, now)


def see_to(tx: Transaction, setup: Setup, number: int, now: int) -> None:
    """A due job that cannot be asked for: its hold may be over, or its deadline has come."""
    kept = tx.job(number)
    if kept is None or kept.check_at is None or kept.check_at > now:
        return
    if kept.is_open_question:
        see_to_deadline(tx, setup, kept, now)
    elif kept.job.status == "unsure" or (kept.job.status == "held" and kept.job.source not in setup.sources):
        tx.put_job(msgspec.structs.replace(kept, check_at=None))  # only a person, or another configuration, moves it on
    elif kept.job.status != "held" and now < (deadline := deadline_of(setup.sources.get(kept.job.source), kept)):
        tx.check_job_at(number, deadline)  # it could be asked for when this look was planned
    elif kept.job.status != "held":
        give_up(tx, setup, kept, "provider_timeout", "nothing was heard of it by the deadline", now)
    elif kept.job.hold is not None and kept.job.hold.reason == "breaker":
        _probe(tx, setup, kept, now)
    else:
        release(tx, setup, kept, now)


def _probe(tx: Transaction, setup: Setup, kept: KeptJob, now: int) -> None:
    """One held job tries whether the vendor takes orders again; the others wait for what becomes of it."""
    breaker = tx.breaker(kept.job.source)
    if breaker is None:
        release(tx, setup, kept, now)
    elif breaker.probe_at <= now:
        tx.put_breaker(msgspec.structs.replace(breaker, probe_at=now + wait_after(breaker.failures)))
        release(tx, setup, msgspec.structs.replace(kept, is_probe=True), now)
    else:
        tx.put_job(msgspec.structs.replace(kept, check_at=breaker.probe_at))
