"""What waits for a person: held jobs, unsure ones, and deliveries that were given up."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from receiver.contracts import Filters, Transaction
from receiver.lib import ids
from receiver.model.jobs import Cost, Job
from receiver.views.overview import Waiting, waiting
from receiver.views.records import Checks, DeliveryDetail, delivery_detail, job_detail

Kind = Literal["pick", "unsure", "held", "dead"]
KINDS: Final[tuple[Kind, ...]] = ("pick", "unsure", "held", "dead")
#: So many of each kind are shown at a time: what is decided makes room.
MOST_SHOWN: Final = 50
#: Among so many held jobs at a time, and so often, those of one kind are looked for.
PAGE: Final = 200
MOST_PAGES: Final = 10


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

    @property
    def pick_cost(self) -> Cost | None:
        """What a pick of a tile costs, as its grid offers it; None = nobody knows."""
        offered = self.parent.next_actions if self.parent is not None else ()
        return next((one.cost for one in offered if one.action == "pick"), None)


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
        held, is_cut = _held_jobs(tx, kind)
        found += held
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


def _held_jobs(tx: Transaction, kind: str | None) -> tuple[list[InboxItem], bool]:
    """The newest held jobs of this kind, and whether there may be more; a bounded look, as there may be very many."""
    found: list[Job] = []
    wanted = Filters(status="held", limit=MOST_SHOWN if kind is None else PAGE)
    for _ in range(MOST_PAGES):
        page = tx.jobs(wanted)
        found += [kept.job for kept in page if kind in (None, _kind(kept.job))]
        if page.next is None or len(found) >= MOST_SHOWN:
            break
        wanted = msgspec.structs.replace(wanted, before=page.next)
    shown = found[:MOST_SHOWN]
    items = [InboxItem(kind=_kind(job), job=job, parent=_parent(tx, job), since=_since(job)) for job in shown]
    return items, page.next is not None or len(found) > MOST_SHOWN


def _kind(job: Job) -> Kind:
    return "pick" if job.hold is not None and job.hold.reason == "pick" else "held"


def _since(job: Job) -> str:
    return job.hold.since if job.hold is not None else job.submitted_at or job.created_at


def _parent(tx: Transaction, job: Job) -> Job | None:
    return _job(tx, job.parent_id)


def _job(tx: Transaction, job_id: str | None) -> Job | None:
    number = ids.read("job", job_id) if job_id is not None else None
    kept = tx.job(number) if number is not None else None
    return kept.job if kept is not None else None
