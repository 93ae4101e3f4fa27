"""Families: a root job and all that followed from it, as the wall and the job's page show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from receiver.contracts import Filters, Page, Transaction
from receiver.errors import NotFound
from receiver.lib import ids
from receiver.model.actions import GRIDS
from receiver.model.jobs import TERMINAL, Job, KeptJob
from receiver.model.money import ADDS_UP

#: So many jobs of a family are shown; a rule's chain is far shorter.
MOST_SHOWN: Final = 200


class FamilyCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the jobs of a family cost at one source, in one unit. Unlike credits are never added up."""

    #: None for USD, of all sources together.
    source: str | None
    unit: str
    #: Of jobs that are over.
    spent: Decimal
    #: Of jobs that are not over yet.
    reserved: Decimal


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A root job and what followed, oldest first."""

    root: Job
    #: All but the root.
    followers: tuple[Job, ...]
    costs: tuple[FamilyCost, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them, oldest first."""
        return (self.root, *self.followers)

    @property
    def picked(self) -> dict[str, list[int]]:
        """The tiles that were picked (or are being picked), by the grid's id."""
        found: dict[str, list[int]] = {}
        for job in self.followers:
            index = job.params.get("index")
            is_alive = job.status not in ("failed", "canceled")
            if job.action == "pick" and job.parent_id is not None and isinstance(index, int) and is_alive:
                found.setdefault(job.parent_id, []).append(index)
        return found

    @property
    def question(self) -> Job | None:
        """The pick that waits for a person, if one does."""
        return next((job for job in self.followers if job.hold is not None and job.hold.reason == "pick"), None)

    def children(self, job_id: str) -> list[Job]:
        """What followed right upon a job, oldest first."""
        return [job for job in self.followers if job.parent_id == job_id]


def is_grid(job: Job) -> bool:
    """Whether it is a finished grid of four, whose tiles can be picked."""
    return job.status == "completed" and (job.action in GRIDS) and (job.grid_url is not None or len(job.images) == 4)


def family_of(tx: Transaction, job_id: str) -> Family:
    """The family that a job belongs to. Raises NotFound."""
    number = ids.read("job", job_id)
    kept = tx.job(number) if number is not None else None
    if kept is None:
        raise NotFound(f"there is no job {job_id[:40]!r}")
    return _family(tx, kept)


def families(tx: Transaction, filters: Filters) -> Page[Family]:
    """A page of families, each where its newest job stands that passes the filters.

    None stands twice, and a page may hold fewer than `filters.limit`.
    """
    found = tx.jobs(filters)
    seen: set[str] = set()
    shown: list[Family] = []
    for kept in found:
        if kept.job.root_id in seen:
            continue
        seen.add(kept.job.root_id)
        family = _family(tx, kept)
        newer = (job for job in family.jobs if filters.before is not None and _number(job) >= filters.before)
        if not any(_passes(job, filters) for job in newer):
            shown.append(family)
    return Page(shown, found.next)


def _family(tx: Transaction, member: KeptJob) -> Family:
    root = ids.read("job", member.job.root_id) or member.number
    jobs = [kept.job for kept in reversed(tx.jobs(Filters(root=root, limit=MOST_SHOWN)))]
    first = next((job for job in jobs if job.id == member.job.root_id), member.job)
    followers = tuple(job for job in jobs if job.id != first.id)
    return Family(root=first, followers=followers, costs=tuple(_costs([first, *followers])))


def _costs(jobs: Sequence[Job]) -> Iterator[FamilyCost]:
    told = [(job, job.cost) for job in jobs if job.cost is not None and job.status not in ("held",)]
    keys = dict.fromkeys((None if cost.unit == ADDS_UP else job.source, cost.unit) for job, cost in told)
    for source, unit in keys:
        mine = [(job, cost.amount) for job, cost in told if cost.unit == unit and source in (None, job.source)]
        yield FamilyCost(
            source=source,
            unit=unit,
            spent=_sum(amount for job, amount in mine if job.status in TERMINAL and job.status != "canceled"),
            reserved=_sum(amount for job, amount in mine if job.status not in TERMINAL),
        )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _number(job: Job) -> int:
    return ids.read("job", job.id) or 0


def _passes(job: Job, filters: Filters) -> bool:
    wanted = {"status": filters.status, "source": filters.source, "action": filters.action}
    if any(value is not None and getattr(job, name) != value for name, value in wanted.items()):
        return False
    if filters.provider_job_id not in (None, job.provider_job_id):
        return False
    if filters.prompt is not None and filters.prompt.lower() not in (job.prompt or "").lower():
        return False
    return all(job.tags.get(name) == value for name, value in filters.tags.items())
