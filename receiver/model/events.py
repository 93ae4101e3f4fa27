"""Events: what happened to a job, as CloudEvents 1.0; immutable once kept."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from receiver.model.jobs import Job

EventType = Literal[
    "job.progress",
    "job.completed",
    "job.failed",
    "job.canceled",
    "job.held",
    "job.submitted",
    "job.unsure",
]

#: The statuses whose arrival is an event of its own.
AT_STATUS: Final[dict[str, EventType]] = {
    "completed": "job.completed",
    "failed": "job.failed",
    "canceled": "job.canceled",
    "held": "job.held",
    "unsure": "job.unsure",
}
#: What can happen to one job more than once.
REPEATABLE: Final = frozenset({"job.held", "job.unsure"})
#: Where each type starts in an event's key; progress adds how far a running job is, a repeatable type the attempt.
KEYS: Final[dict[str, int]] = {
    "job.progress": 0,
    "job.completed": 1000,
    "job.failed": 1001,
    "job.canceled": 1002,
    "job.submitted": 1003,
    "job.held": 10_000,
    "job.unsure": 20_000,
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
    #: The job as it was right after the event.
    data: Job

    @property
    def source_name(self) -> str:
        """The configured source the event belongs to."""
        return self.source.removeprefix("gridhook/")


class KeptEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is kept: what an `Event` is made of when it goes out."""

    #: The database's number of the event.
    number: int
    #: The database's number of the job.
    job: int
    type: EventType
    #: What tells it apart from the job's other events (see `change`).
    key: int
    #: When it happened, Unix ms.
    at: int
    #: The job as it was right after the event.
    data: Job
    #: Number of the request that told of it.
    request: int | None = None


def change(before: Job | None, after: Job, attempt: int = 0) -> tuple[EventType, int] | None:
    """The type and key of the event that turned `before` into `after`; None if nothing worth telling happened.

    The key is unique for a job: the same change never makes a second event. `attempt` tells apart what can happen
    again to one job (each time it is sent, or held).
    """
    if before is None or before.status != after.status:
        kind = AT_STATUS.get(after.status)
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
