"""All that is known of one job, as its page tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from receiver.contracts import Filters, Transaction
from receiver.flows.commands import job_of
from receiver.lib.times import unstamp
from receiver.views.families import Family, family_of
from receiver.views.records import DeliveryDetail, JobDetail, RequestDetail, delivery_detail, job_detail, request_detail

#: So many of each are told.
MOST_TOLD: Final = 100


class StoryMoment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a job."""

    #: RFC 3339.
    at: str
    #: How it went.
    kind: Literal["ok", "wait", "bad", ""]
    what: str
    note: str
    #: Since the moment before, ms.
    after_ms: int = 0


class JobStory(msgspec.Struct, frozen=True, kw_only=True):
    """A job, its family, and what happened to it."""

    job: JobDetail
    family: Family
    #: Oldest first.
    moments: tuple[StoryMoment, ...]
    #: What vendors posted about it, newest first.
    requests: tuple[RequestDetail, ...]

    @property
    def parent_is_shown(self) -> bool:
        """Whether its parent is among the family that is shown."""
        return any(one.id == self.job.parent_id for one in self.family.jobs)


class _EventData(msgspec.Struct, frozen=True, kw_only=True):
    progress: int = 0


class _KeptEventHead(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    time: str
    data: _EventData


_EVENT: Final = msgspec.json.Decoder(_KeptEventHead)
#: Events that are no plain progress: how they went.
_KINDS: Final[dict[str, Literal["ok", "wait", "bad"]]] = {
    "job.completed": "ok",
    "job.archived": "ok",
    "job.failed": "bad",
    "job.archive_failed": "bad",
    "job.canceled": "bad",
    "job.held": "wait",
    "job.unsure": "wait",
}
_WENT_WELL: Final = frozenset({"delivered", "accepted"})


def job_story(tx: Transaction, job_id: str) -> JobStory:
    """Everything about a job. Raises NotFound."""
    kept = job_of(tx, job_id)
    requests = [request_detail(one) for one in tx.requests(Filters(job=kept.number, limit=MOST_TOLD))]
    deliveries = [delivery_detail(tx, one) for one in tx.deliveries(Filters(job=kept.number, limit=MOST_TOLD))]
    detail = job_detail(kept)
    told = [
        _planned(detail),
        *_requests(requests),
        *_events(tx.events(Filters(job=kept.number, limit=MOST_TOLD))),
        *(moment for one in deliveries for moment in _attempts(one)),
    ]
    return JobStory(
        job=detail,
        family=family_of(tx, job_id),
        moments=tuple(_in_order(told)),
        requests=tuple(requests),
    )


def _planned(job: JobDetail) -> StoryMoment:
    why = f"by rule {job.rule}" if job.rule is not None else ""
    if job.provider_job_id is not None and job.submitted_at is None and job.rule is None:
        return StoryMoment(at=job.created_at, kind="", what="First heard of", note=why)
    return StoryMoment(at=job.created_at, kind="", what="Planned", note=why)


def _requests(requests: list[RequestDetail]) -> Iterator[StoryMoment]:
    for one in requests:
        what = f"Webhook came, {one.size} bytes"
        yield StoryMoment(
            at=one.received_at, kind="" if one.status == "mapped" else "wait", what=what, note=one.note or one.proof
        )


def _events(bodies: list[bytes]) -> Iterator[StoryMoment]:
    for body in bodies:
        event = _EVENT.decode(body)
        note = f"{event.data.progress} %" if event.type == "job.progress" else ""
        yield StoryMoment(at=event.time, kind=_KINDS.get(event.type, ""), what=event.type, note=note)


def _attempts(delivery: DeliveryDetail) -> Iterator[StoryMoment]:
    where = f"Ordered at {delivery.source}" if delivery.kind == "order" else f"Told {delivery.sink}"
    for attempt in delivery.attempts:
        said = [attempt.outcome, f"HTTP {attempt.status}" if attempt.status else "", f"{attempt.took_ms} ms"]
        note = ", ".join(one for one in (*said, attempt.note or "") if one)
        kind: Literal["ok", "bad"] = "ok" if attempt.outcome in _WENT_WELL else "bad"
        yield StoryMoment(at=attempt.started_at, kind=kind, what=where, note=note)


def _in_order(moments: list[StoryMoment]) -> Iterator[StoryMoment]:
    before: int | None = None
    for moment in sorted(moments, key=lambda one: unstamp(one.at)):
        at = unstamp(moment.at)
        yield msgspec.structs.replace(moment, after_ms=0 if before is None else at - before)
        before = at
