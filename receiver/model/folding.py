"""What a vendor's report makes of a job: what comes in pieces, late, twice or in any order is put together. Pure."""

from __future__ import annotations

from decimal import Decimal
from itertools import zip_longest
from typing import Final

import msgspec

from receiver.model.actions import PICTURED
from receiver.model.jobs import (
    LIVE,
    TERMINAL,
    Cost,
    Image,
    Job,
    JobError,
    KeptJob,
    Report,
)

#: How many pictures a job may have.
MAX_IMAGES: Final = 64
#: The key of the whole job's cost among those of its pieces.
WHOLE: Final = ""
#: What stands before a picture's number where that is its id: no vendor's own id has it, these are printable.
NUMBERED: Final = "\x1f"
#: How far a job is on the vendor's side; a report never moves it back.
RANK: Final[dict[str, int]] = {"held": 0, "planned": 0, "submitting": 0, "unsure": 0, "queued": 1, "running": 2}


def fold(kept: KeptJob, report: Report, at: str) -> KeptJob:
    """The job after a report. Pure; reports may come in any order, late, repeatedly and in pieces.

    Returns `kept` itself when the report says nothing new. `at` is when it reached us (RFC 3339). An end is final, but
    for a failure, by our deadline or by the vendor's word: a vendor may take it back with a result.
    """
    if kept.job.status not in TERMINAL:
        return _end(kept, report, at) if report.status in TERMINAL else _go_on(kept, report, at)
    if report.status == "completed" and (kept.gave_up or _is_taken_back(kept, report)):
        return _end(kept, report, at)
    return _fill(kept, report) if report.status == kept.job.status else kept


def lacks_picture(kept: KeptJob, report: Report) -> bool:
    """Whether a report says that a job is completed, but neither it nor the job has a picture that should be there."""
    if report.status != "completed" or report.has_other_result or report.images or report.grid_url:
        return False
    action = kept.job.action or report.action
    return (action is None or action in PICTURED) and not (kept.job.images or kept.job.grid_url)


def is_update(before: Job, after: Job) -> bool:
    """Whether something new was told of a job that had been completed before."""
    return before.status == after.status == "completed" and _told(before) != _told(after)


def _told(job: Job) -> tuple[object, ...]:
    return job.images, job.grid_url, job.cost, job.warning, job.prompt, job.action, job.params


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
    if job.status in TERMINAL:
        # What is known of a cost once a failure is taken back: what was paid back for it is charged after all.
        charged = job.cost if job.cost is not None and job.cost.amount and report.cost is None else None
        kept = msgspec.structs.replace(kept.with_job(cost=charged), piece_costs={})
    if report.images:
        # What was shown before the end were previews.
        kept = msgspec.structs.replace(kept.with_job(images=()), items={})
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
        warning="no_picture" if lacks_picture(kept, report) else None,
    )
    return msgspec.structs.replace(after, gave_up=False, awaits_picture=False)


def _unexplained(report: Report) -> JobError:
    if report.status == "canceled":
        return JobError(code="canceled", message="the provider canceled the job")
    return JobError(code="provider_error", message="the provider gave no reason")


def _prompt(job: Job, report: Report) -> str | None:
    """The job's prompt; one that was only inherited from its parent gives way to what the vendor tells."""
    if job.parent_id is not None and not job.params.get("prompt"):
        return report.prompt or job.prompt
    return job.prompt or report.prompt


def _fill(kept: KeptJob, report: Report, **changes: object) -> KeptJob:
    """`changes`, and every gap of the job that the report can fill; what is known already stays."""
    job = kept.job
    images, items = _with_pictures(kept, report) if report.images else (job.images, kept.items)
    cost, piece_costs = _with_cost(kept, report) if report.cost else (job.cost, kept.piece_costs)
    gaps: dict[str, object] = {
        "provider_job_id": job.provider_job_id or report.provider_job_id,
        "action": job.action or report.action,
        "params": job.params or report.params,
        "prompt": _prompt(job, report),
        "grid_url": job.grid_url or report.grid_url,
        "images": images,
        "cost": cost,
    }
    if job.warning == "no_picture":
        told = bool(images or gaps["grid_url"] or report.has_other_result)
        gaps["warning"] = None if told else job.warning
    after = msgspec.structs.replace(
        kept,
        job=msgspec.structs.replace(job, **{**gaps, **changes}),
        facts={**report.facts, **kept.facts} if report.facts else kept.facts,
        awaits_step=kept.awaits_step or report.awaits_step,
        sibling_ids=kept.sibling_ids or report.sibling_ids,
        items=items,
        piece_costs=piece_costs,
    )
    return kept if after == kept else after


# --- pieces ----------------------------------------------------------------------------------------------------------


def _with_pictures(kept: KeptJob, report: Report) -> tuple[tuple[Image, ...], dict[str, int]]:
    """The job's pictures with those of a report: each is told apart by the vendor's id, else by its address.

    Its index is the vendor's; where the vendor numbers none it is the one that it came with, if that is free, else the
    next one.
    """
    known = kept.job.images
    if not known and not report.items:
        return report.images[:MAX_IMAGES], kept.items
    images = {image.index: image for image in known}
    items = dict(kept.items)
    places = {_address(image.url): image.index for image in known}
    for image, item in zip_longest(report.images, report.items[: len(report.images)]):
        place = items.get(item) if item in items else _place(image, item, places, items)
        # A number that is taken is the same picture at another address, unless both have an id.
        is_taken = report.numbered and image.index in images and (item is None or image.index not in items.values())
        if place is None and not is_taken and len(images) < MAX_IMAGES:
            place = image.index if image.index not in images else max(images) + 1
            images[place] = msgspec.structs.replace(image, index=place)
            places[_address(image.url)] = place
        if item is not None and place is not None:
            items[item] = place
    if numbered_item(0) in items:
        images, items = _counted_from_zero(images, items)
    return tuple(images[place] for place in sorted(images)), items


def numbered_item(number: int) -> str:
    """What tells a picture apart whose vendor numbers it, and has no id for it."""
    return f"{NUMBERED}{number}"


def _counted_from_zero(images: dict[int, Image], items: dict[str, int]) -> tuple[dict[int, Image], dict[str, int]]:
    """The pictures of a vendor that counts from 0, each at its number + 1; those without a number behind them."""
    new = {place: int(item[len(NUMBERED) :]) + 1 for item, place in items.items() if item.startswith(NUMBERED)}
    free = (place for place in range(1, 2 * MAX_IMAGES + 2) if place not in new.values())
    moved = {place: new.get(place) or next(free) for place in sorted(images)}
    placed = {moved[place]: msgspec.structs.replace(image, index=moved[place]) for place, image in images.items()}
    return placed, {item: moved[place] for item, place in items.items()}


def _place(image: Image, item: str | None, places: dict[str, int], items: dict[str, int]) -> int | None:
    """The place of a picture by its address. Two ids are two pictures, even where they have one address."""
    place = places.get(_address(image.url))
    return None if item is not None and place in items.values() else place


def _address(url: str) -> str:
    """An address without its query, which a vendor signs anew each time."""
    return url.partition("?")[0]


def _with_cost(kept: KeptJob, report: Report) -> tuple[Cost | None, dict[str, Decimal]]:
    """What the job costs after a report that says a cost: the sum of its pieces, or what was last said of the whole."""
    known, said = kept.job.cost, report.cost
    if said is None:
        return known, kept.piece_costs
    piece = _piece(report)
    if piece == WHOLE and not kept.piece_costs:
        return said, kept.piece_costs
    costs = dict(kept.piece_costs)
    if not costs and known is not None and known.source == "reported":
        costs[WHOLE] = known.amount
    costs[piece] = said.amount
    amount = costs[WHOLE] if WHOLE in costs else sum(costs.values(), Decimal(0))
    return msgspec.structs.replace(said, amount=amount), costs


def _piece(report: Report) -> str:
    """What the cost of a report is for: its one picture, by the vendor's id or its address; else the whole job."""
    if len(report.items) == 1:
        return report.items[0]
    if report.numbered or len(report.images) != 1:
        return WHOLE
    return _address(report.images[0].url)
