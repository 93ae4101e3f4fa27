"""Jobs: the provider's long-running pieces of work, in one vocabulary for all vendors."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from receiver.model.actions import Params
from receiver.model.questions import Question

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

JobWarning = Literal["no_picture", "pictures_deleted"]

TERMINAL: Final = frozenset({"completed", "failed", "canceled"})
#: The vendor has the order, or may have it: these count as live against concurrency.
LIVE: Final = frozenset({"submitting", "unsure", "queued", "running"})
#: Nothing has been sent yet.
WAITING: Final = frozenset({"held", "planned"})


class ArchivedCopy(msgspec.Struct, frozen=True, kw_only=True):
    """Our own copy of a picture, as everybody sees it."""

    #: Name of the archive's sink.
    sink: str
    #: A link that opens it for anybody, for a while; None where the archive is not public.
    url: str | None = None
    #: Where it is in the archive.
    key: str
    sha256: str
    #: Media type, such as "image/png".
    type: str
    bytes: int
    #: Pixels.
    width: int
    height: int


class PictureCopy(ArchivedCopy, frozen=True, kw_only=True):
    """Our own copy of a picture, and which one that is."""

    #: "tile" = cut out of a grid that came alone.
    kind: Literal["grid", "image", "tile"]
    #: Place in the grid; 0 = the grid itself.
    index: int


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of a result."""

    #: Place in the grid, 1 = top left, 2 = top right, 3 = bottom left, 4 = bottom right; 1 for a single picture.
    index: int
    #: Where the vendor has it; such addresses often die within a day. `urn:sha256:...` = the vendor sent the picture
    #: itself: `/pictures/{job}/{index}` has it.
    url: str
    #: Our own copy, once there is one: that of the first archive in the configuration's order.
    archive: ArchivedCopy | None = None

    @property
    def open_url(self) -> str:
        """Where anybody can see it: our own copy if that is public, else the vendor's."""
        return (self.archive.url if self.archive else None) or self.url


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
    #: Who chose it: `slack:U123 Ada`, `api`, `cli`, or `default` where nobody answered in time; None if a rule did.
    decided_by: str | None = None
    tags: dict[str, str] = {}
    prompt: str | None = None
    #: The picture of all four tiles.
    grid_url: str | None = None
    images: tuple[Image, ...] = ()
    next_actions: tuple[NextAction, ...] = ()
    cost: Cost | None = None
    #: Why it failed or was canceled; of an unsure job why nothing certain is known.
    error: JobError | None = None
    #: "no_picture" = it completed, but the vendor told no picture though the action makes one. "pictures_deleted" = the
    #: retention of pictures took our copies away.
    warning: JobWarning | None = None
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
    #: The question to ask in place of an index; None = nobody is asked.
    ask: Question | None = None
    then: tuple[Then, ...] = ()

    @property
    def sample_params(self) -> Params:
        """Its parameters, with some tile where a person is to be asked: the default, if there is one."""
        return self.params if self.ask is None else {**self.params, "index": self.ask.default or 1}


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
    #: It changes once, when a question is answered: then it is that of the pick of this tile.
    intent: str | None = None
    #: What a person is or was asked; None = nobody was.
    question: Question | None = None
    #: What makes the question unique, whatever became of it: the same one is never asked twice. None = it is none.
    question_intent: str | None = None
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
    #: The index of each picture that the vendor gave an id of its own, by that id.
    items: dict[str, int] = {}
    #: What the vendor charged for each piece, by its id or its picture's address; "" = for the whole job.
    piece_costs: dict[str, Decimal] = {}
    #: How many times something new was told after it completed.
    updates: int = 0
    #: True while the vendor is asked for the pictures of a job that it called completed without telling any.
    awaits_picture: bool = False
    #: Our own copies of its pictures, in every archive.
    copies: tuple[PictureCopy, ...] = ()
    #: True after we, not the vendor, declared it failed: it may still become completed.
    gave_up: bool = False
    #: When to ask the vendor about it, or to see whether its hold is over, Unix ms; None = never.
    check_at: int | None = None

    @property
    def ordered_by_us(self) -> bool:
        """Whether gridhook planned it (another tool's jobs are only watched)."""
        return self.intent is not None

    @property
    def is_open_question(self) -> bool:
        """Whether it waits for a person to say which tile."""
        return self.job.status == "held" and self.job.hold is not None and self.job.hold.reason == "pick"

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
    #: The vendor's own ids of the pictures, in their order; empty = it tells none.
    items: tuple[str, ...] = ()
    #: Whether the vendor says which place each picture has; else their index is the order in which they come.
    numbered: bool = True
    #: Whether the result is something else than pictures (texts, videos).
    has_other_result: bool = False
    cost: Cost | None = None
    error: JobError | None = None
    #: What the provider code must remember of it, under names of its own; see `KeptJob.facts`.
    facts: dict[str, Any] = {}
    #: Whether the vendor waits for a second step before it goes on.
    awaits_step: bool = False
    #: The vendor's ids of the other jobs that the same order made.
    sibling_ids: tuple[str, ...] = ()
