"""Jobs: the provider's long-running pieces of work, in one vocabulary for all vendors."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from receiver.model.actions import Params

Status = Literal["held", "planned", "submitting", "unsure", "queued", "running", "completed", "failed", "canceled"]
ErrorCode = Literal[
    "moderated",
    "invalid_params",
    "insufficient_credits",
    "auth",
    "rate_limited",
    "queue_full",
    "provider_timeout",
    "provider_error",
    "account",
    "expired",
    "canceled",
    "unsupported",
]

TERMINAL: Final = frozenset({"completed", "failed", "canceled"})
#: The vendor has the order, or may have it: these count as live against concurrency.
LIVE: Final = frozenset({"submitting", "unsure", "queued", "running"})
#: Nothing has been sent yet.
WAITING: Final = frozenset({"held", "planned"})


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of a result."""

    #: Place in the grid, 1 = top left, 2 = top right, 3 = bottom left, 4 = bottom right; 1 for a single picture.
    index: int
    #: Where the vendor has it; such addresses often die within a day.
    url: str
    #: Where our own copy is, once there is one.
    archive: str | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a job costs. Never a float; unknown is None in its place, never 0."""

    amount: Decimal
    #: "credits" or "USD"
    unit: str
    #: "table" = from the price table, "reported" = said by the vendor
    source: Literal["table", "reported"]


class JobError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed, or why it is unsure."""

    code: ErrorCode
    #: The vendor's own code as text (some exceed 32 bits).
    provider_code: str | None = None
    message: str
    #: Whether the same order may well succeed later.
    retryable: bool = False


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Why a planned job waits."""

    reason: Literal["pick", "budget", "limit", "breaker"]
    since: str
    until: str | None = None
    default: int | None = None
    note: str | None = None


class NextAction(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be done with a finished job."""

    action: str
    params: Params
    cost: Cost | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as everybody sees it: API, events and sinks carry exactly this. Times are RFC 3339, UTC."""

    id: str
    #: Name of the configured account.
    source: str
    #: Name of the vendor's dialect.
    provider: str
    #: The vendor's own id; None until the vendor has said it.
    provider_job_id: str | None = None
    #: Canonical action; None for a job that another tool started and whose kind the vendor does not tell.
    action: str | None = None
    params: Params = {}
    status: Status
    #: 0-100
    progress: int = 0
    parent_id: str | None = None
    root_id: str
    #: Name of the rule that planned it; None if a person or another tool did.
    rule: str | None = None
    tags: dict[str, str] = {}
    prompt: str | None = None
    #: The picture of all four tiles.
    grid_url: str | None = None
    images: tuple[Image, ...] = ()
    next_actions: tuple[NextAction, ...] = ()
    cost: Cost | None = None
    #: Why it failed or was canceled; of an unsure job why nothing certain is known.
    error: JobError | None = None
    hold: Hold | None = None
    created_at: str
    submitted_at: str | None = None
    finished_at: str | None = None
    #: When we stop waiting for the vendor.
    deadline: str | None = None


class Then(msgspec.Struct, frozen=True, kw_only=True):
    """What to order once a job completes: an action, its parameters, and what follows from that."""

    action: str
    #: Name of the source that carries it out; None = the parent's.
    source: str | None = None
    params: Params = {}
    #: What is merged into the top level of the order's body as it is: parameters that only the vendor knows.
    extra: Params = {}
    then: tuple[Then, ...] = ()


class KeptJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job with what only we know of it."""

    #: The database's number of the job.
    number: int
    job: Job
    #: What follows when it completes (its part of a chain).
    then: tuple[Then, ...] = ()
    #: What is merged into the top level of its order's body as it is.
    extra: Params = {}
    #: What the provider code must remember (output ids, buttons, model version), under names of its own. Nothing else
    #: reads it, and it never leaves gridhook.
    facts: dict[str, Any] = {}
    #: What makes the order unique: the same intent is never planned twice. None for jobs that another tool started.
    intent: str | None = None
    #: A digest of the submission that asked for it: the same Idempotency-Key must not ask for anything else. None for
    #: jobs that nobody submitted.
    submission_digest: str | None = None
    #: When its order was first sent, Unix ms: an idempotency key counts from then. None = it was not, or not since a
    #: person said to send it.
    first_sent_at: int | None = None
    #: True once its order was sent and may have been taken without our knowing: what is answered to a later try says
    #: nothing of that one.
    was_unsure: bool = False
    #: True once a person had it sent again though an earlier sending may have been taken: it may be paid twice.
    sent_twice: bool = False
    #: True while it may be sent although its source's account refuses orders: it tries whether that is over, or a
    #: person said to send it.
    is_probe: bool = False
    #: True while its result is only known by an unsigned webhook: it is read back before anything is paid because of
    #: it.
    is_unproven: bool = False
    #: How many times in a row the vendor was asked and told nothing of it.
    missed_checks: int = 0
    #: True once somebody asked to cancel what the vendor works on: the vendor is told to stop it.
    cancel_wanted: bool = False
    #: Our id of the job that took its place: both were one piece of work, and the vendor's id is the other's now.
    replaced_by: str | None = None
    #: True once the vendor said that it waits for a second step before it goes on: such a job can be followed up on
    #: though it is not completed.
    awaits_step: bool = False
    #: The vendor's ids of the other jobs that the same order made: their webhooks come to this job's URL too.
    sibling_ids: tuple[str, ...] = ()
    #: True after we, not the vendor, declared it failed: it may still become completed.
    gave_up: bool = False
    #: When to ask the vendor about it, or to see whether its hold is over, Unix ms; None = never.
    check_at: int | None = None

    @property
    def ordered_by_us(self) -> bool:
        """Whether gridhook planned it (another tool's jobs are only watched)."""
        return self.intent is not None

    def with_job(self, **changes: Any) -> KeptJob:
        """The same with changes to fields of its job."""
        return msgspec.structs.replace(self, job=msgspec.structs.replace(self.job, **changes))


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor says about one of its jobs at one moment, in our words. None = it does not say.

    Webhooks, answers to orders and status queries all become reports, so one `fold` serves them all.
    """

    provider_job_id: str | None
    status: Literal["queued", "running", "completed", "failed", "canceled"] | None
    progress: int | None = None
    #: What kind of job it seems to be; only used for jobs that another tool started.
    action: str | None = None
    params: Params = {}
    prompt: str | None = None
    grid_url: str | None = None
    images: tuple[Image, ...] = ()
    cost: Cost | None = None
    error: JobError | None = None
    #: What the provider code must remember of it, under names of its own; see `KeptJob.facts`.
    facts: dict[str, Any] = {}
    #: Whether the vendor waits for a second step before it goes on.
    awaits_step: bool = False
    #: The vendor's ids of the other jobs that the same order made.
    sibling_ids: tuple[str, ...] = ()


#: How far a job is on the vendor's side; a report never moves it back.
RANK: Final[dict[str, int]] = {"held": 0, "planned": 0, "submitting": 0, "unsure": 0, "queued": 1, "running": 2}


def fold(kept: KeptJob, report: Report, at: str) -> KeptJob:
    """The job after a report. Pure; reports may come in any order, late and repeatedly.

    Returns `kept` itself when the report says nothing new. `at` is when it reached us (RFC 3339). An end is final, but
    for a failure, by our deadline or by the vendor's word: a vendor may take it back with a result.
    """
    if kept.job.status not in TERMINAL:
        return _end(kept, report, at) if report.status in TERMINAL else _go_on(kept, report, at)
    if report.status == "completed" and (kept.gave_up or _is_taken_back(kept, report)):
        return _end(kept, report, at)
    return _fill(kept, report) if report.status == kept.job.status else kept


def _is_taken_back(kept: KeptJob, report: Report) -> bool:
    return kept.job.status == "failed" and bool(report.images or report.grid_url)


def _go_on(kept: KeptJob, report: Report, at: str) -> KeptJob:
    job = kept.job
    said = report.status if report.status and RANK[report.status] > RANK[job.status] else job.status
    return _fill(
        kept,
        report,
        status=said,
        progress=max(job.progress, min(report.progress or 0, 99)),
        submitted_at=job.submitted_at or (at if kept.ordered_by_us and report.status else None),
        hold=None if said in LIVE else job.hold,
        error=job.error if said == "unsure" else None,
    )


def _end(kept: KeptJob, report: Report, at: str) -> KeptJob:
    job = kept.job
    done = report.status == "completed"
    after = _fill(
        kept,
        report,
        status=report.status,
        progress=100 if done else max(job.progress, min(report.progress or 0, 99)),
        submitted_at=job.submitted_at or (at if kept.ordered_by_us else None),
        finished_at=at,
        hold=None,
        error=None if done else report.error or _unexplained(report),
        grid_url=report.grid_url or job.grid_url,
        images=report.images or job.images,
    )
    if job.status in TERMINAL:
        after = after.with_job(cost=report.cost or _charged(job.cost))
    return msgspec.structs.replace(after, gave_up=False)


def _charged(cost: Cost | None) -> Cost | None:
    """What is known of a cost once a failure is taken back: what was paid back for it is charged after all."""
    return cost if cost is None or cost.amount else None


def _unexplained(report: Report) -> JobError:
    if report.status == "canceled":
        return JobError(code="canceled", message="the provider canceled the job")
    return JobError(code="provider_error", message="the provider gave no reason")


def _fill(kept: KeptJob, report: Report, **changes: object) -> KeptJob:
    """`changes`, and every gap of the job that the report can fill; what is known already stays."""
    job = kept.job
    gaps: dict[str, object] = {
        "provider_job_id": job.provider_job_id or report.provider_job_id,
        "action": job.action or report.action,
        "params": job.params or report.params,
        "prompt": job.prompt or report.prompt,
        "grid_url": job.grid_url or report.grid_url,
        "images": job.images or report.images,
        "cost": _better_cost(job.cost, report.cost),
    }
    after = msgspec.structs.replace(
        kept,
        job=msgspec.structs.replace(job, **{**gaps, **changes}),
        facts={**report.facts, **kept.facts} if report.facts else kept.facts,
        awaits_step=kept.awaits_step or report.awaits_step,
        sibling_ids=kept.sibling_ids or report.sibling_ids,
    )
    return kept if after == kept else after


def _better_cost(known: Cost | None, said: Cost | None) -> Cost | None:
    """What the vendor reports settles what we had from the table."""
    if said is not None and (known is None or known.source == "table"):
        return said
    return known
