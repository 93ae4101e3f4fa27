"""What waits for a person: held jobs, unsure ones, and deliveries that were given up."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from receiver.contracts import Filters, Transaction
from receiver.lib import ids
from receiver.model.jobs import Job
from receiver.views.overview import Waiting, waiting
from receiver.views.records import Checks, DeliveryDetail, delivery_detail, job_detail

Kind = Literal["pick", "unsure", "held", "dead"]
KINDS: Final[tuple[Kind, ...]] = ("pick", "unsure", "held", "dead")
#: So many of each kind are shown at a time: what is decided makes room.
MOST_SHOWN: Final = 50


class InboxItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits for a person."""

    kind: Kind
    #: None: the given-up delivery is about no job.
    job: Job | None
    #: What the pick is of, where there is one.
    parent: Job | None = None
    #: Of an unsure job.
    checks: Checks | None = None
    #: What was given up.
    delivery: DeliveryDetail | None = None
    #: Since when, RFC 3339.
    since: str


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, oldest first."""

    items: tuple[InboxItem, ...]
    counts: Waiting
    #: True if there is more of a kind than is shown.
    is_cut: bool


def inbox(tx: Transaction, kind: str | None = None) -> Inbox:
    """What waits for a person; of one kind, or (None) of all."""
    found: list[InboxItem] = []
    is_cut = False
    if kind in (None, "pick", "held"):
        jobs = tx.jobs(Filters(status="held", limit=MOST_SHOWN))
        is_cut |= jobs.next is not None
        found += [item for kept in jobs if kind in (None, (item := _held(tx, kept.job)).kind)]
    if kind in (None, "unsure"):
        jobs = tx.jobs(Filters(status="unsure", limit=MOST_SHOWN))
        is_cut |= jobs.next is not None
        for kept in jobs:
            checks = job_detail(kept).checks
            told = checks if isinstance(checks, Checks) else None
            found.append(
                InboxItem(
                    kind="unsure", job=kept.job, parent=_parent(tx, kept.job), checks=told, since=_since(kept.job)
                )
            )
    if kind in (None, "dead"):
        dead = tx.dead_letters(MOST_SHOWN + 1)
        is_cut |= len(dead) > MOST_SHOWN
        for one in dead[:MOST_SHOWN]:
            detail = delivery_detail(tx, one)
            at = detail.attempts[-1].started_at if detail.attempts else detail.created_at
            found.append(InboxItem(kind="dead", job=_job(tx, detail.job_id), delivery=detail, since=at))
    return Inbox(items=tuple(sorted(found, key=lambda item: item.since)), counts=waiting(tx), is_cut=is_cut)


def _held(tx: Transaction, job: Job) -> InboxItem:
    is_pick = job.hold is not None and job.hold.reason == "pick"
    return InboxItem(kind="pick" if is_pick else "held", job=job, parent=_parent(tx, job), since=_since(job))


def _since(job: Job) -> str:
    return job.hold.since if job.hold is not None else job.submitted_at or job.created_at


def _parent(tx: Transaction, job: Job) -> Job | None:
    return _job(tx, job.parent_id)


def _job(tx: Transaction, job_id: str | None) -> Job | None:
    number = ids.read("job", job_id) if job_id is not None else None
    kept = tx.job(number) if number is not None else None
    return kept.job if kept is not None else None
