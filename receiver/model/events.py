"""Events: what happened to a job, a source or a sink, as CloudEvents 1.0; immutable once kept."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

from receiver.model.folding import is_update
from receiver.model.jobs import Job

EventType = Literal[
    "job.progress",
    "job.completed",
    "job.failed",
    "job.updated",
    "job.canceled",
    "job.held",
    "job.submitted",
    "job.unsure",
    "job.archived",
    "job.archive_failed",
]
#: What the operator is told of sources, sinks and deliveries.
OperatorEventType = Literal[
    "source.stopped",
    "source.recovered",
    "source.webhooks_missing",
    "source.refused_requests",
    "sink.failing",
    "sink.recovered",
    "delivery.dead",
]
OPERATOR_TYPES: Final[frozenset[str]] = frozenset(get_args(OperatorEventType))

#: The statuses whose arrival is an event of its own.
AT_STATUS: Final[dict[str, EventType]] = {
    "completed": "job.completed",
    "failed": "job.failed",
    "canceled": "job.canceled",
    "held": "job.held",
    "unsure": "job.unsure",
}
#: What can happen to one job more than once.
REPEATABLE: Final = frozenset({"job.held", "job.unsure", "job.updated"})
#: The key of the event that tells a question: each is asked once.
ASKED: Final = 1004
#: Where each type starts in an event's key; progress adds how far a running job is, a repeatable type the attempt.
KEYS: Final[dict[str, int]] = {
    "job.progress": 0,
    "job.completed": 1000,
    "job.failed": 1001,
    "job.canceled": 1002,
    "job.submitted": 1003,
    "job.held": 10_000,
    "job.unsure": 20_000,
    "job.updated": 30_000,
    "job.archived": 2**61,
    "job.archive_failed": 2**61,
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event, in the CloudEvents JSON format; this struct encoded is what sinks get, to the byte."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    #: "gridhook/" and the source's name
    source: str
    type: EventType
    #: The job's id.
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    #: Name of the sink that it tells of: of `job.archived` and `job.archive_failed` alone.
    archive: str | msgspec.UnsetType = msgspec.UNSET
    #: The job as it was right after the event.
    data: Job

    @property
    def source_name(self) -> str:
        """The configured source the event belongs to."""
        return self.source.removeprefix("gridhook/")


class OperatorData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operator event tells; what does not belong to its type is left out.

    `source.*`: source, reason, since. `sink.*`: sink, reason, failures, since. `delivery.dead`: delivery, sink, job_id,
    event_type, reason.
    """

    #: Name of the configured source.
    source: str | None = None
    #: Id of the delivery that was given up.
    delivery: str | None = None
    #: Name of the configured sink.
    sink: str | None = None
    job_id: str | None = None
    #: Type of the event that was to be delivered.
    event_type: str | None = None
    reason: str
    #: Failures in a row.
    failures: int | None = None
    #: When it began, RFC 3339.
    since: str | None = None

    @property
    def subject(self) -> str:
        """What the event is about: the delivery, the sink, or the source."""
        return self.delivery or self.sink or self.source or "gridhook"


class OperatorEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is about no job, in the CloudEvents JSON format; this struct encoded is what sinks get."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    #: "gridhook/" and the source's name, or "gridhook" alone
    source: str
    type: OperatorEventType
    #: The delivery, sink or source that it is about.
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: OperatorData

    @property
    def source_name(self) -> str:
        """The configured source the event belongs to; empty if it is about a sink."""
        return self.data.source or ""


AnyEvent = Event | OperatorEvent


class _TypeOnly(msgspec.Struct):
    type: str


_TYPE: Final = msgspec.json.Decoder(_TypeOnly)
_EVENT: Final = msgspec.json.Decoder(Event)
_OPERATOR_EVENT: Final = msgspec.json.Decoder(OperatorEvent)


def decode_event(body: bytes) -> AnyEvent:
    """The event that a CloudEvents JSON holds. Raises msgspec.ValidationError or DecodeError if it is none of ours."""
    return _OPERATOR_EVENT.decode(body) if _TYPE.decode(body).type in OPERATOR_TYPES else _EVENT.decode(body)


class KeptEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is kept: what an `Event` or an `OperatorEvent` is made of when it goes out."""

    #: The database's number of the event.
    number: int
    #: The database's number of the job; 0 for an operator event.
    job: int
    type: EventType | OperatorEventType
    #: What tells it apart from the job's other events (see `change`); an operator event's own number.
    key: int
    #: When it happened, Unix ms.
    at: int
    #: The job as it was right after the event, or what the operator is told.
    data: Job | OperatorData
    #: Number of the request that told of it.
    request: int | None = None
    #: Name of the archive's sink that it tells of.
    archive: str | None = None


def change(before: Job | None, after: Job, attempt: int = 0) -> tuple[EventType, int] | None:
    """The type and key of the event that turned `before` into `after`; None if nothing worth telling happened.

    The key is unique for a job: the same change never makes a second event. `attempt` tells apart what can happen
    again to one job (each time it is sent, held, or something new is told of what is completed).
    """
    if before is not None and is_update(before, after):
        return "job.updated", KEYS["job.updated"] + attempt
    if before is None or before.status != after.status or _waits_for_pick(before) != _waits_for_pick(after):
        kind = AT_STATUS.get(after.status)
        if _waits_for_pick(after):
            return "job.held", ASKED
        if kind is not None:
            return kind, KEYS[kind] + (attempt if kind in REPEATABLE else 0)
    if after.status not in ("queued", "running"):
        return None
    if before is not None and before.status in ("held", "planned", "submitting", "unsure"):
        return "job.submitted", KEYS["job.submitted"]
    if before is None or after.progress > before.progress or after.status != before.status:
        running = after.status == "running"
        return "job.progress", KEYS["job.progress"] + (1 + after.progress if running else 0)
    return None


def _waits_for_pick(job: Job) -> bool:
    return job.status == "held" and job.hold is not None and job.hold.reason == "pick"
