"""Plays an event through the real flow, and its follow-ups as if each of them completed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import msgspec

from receiver.contracts import (
    Filters,
    Request,
    Transaction,
)
from receiver.contracts.setup import Setup
from receiver.errors import NotFound, Unmapped
from receiver.flows import intake
from receiver.flows.advance import advance
from receiver.flows.reports import report_to
from receiver.lib import ids
from receiver.lib.ids import Ids
from receiver.lib.nearest import nearest
from receiver.lib.strict_json import read_json
from receiver.lib.times import unstamp
from receiver.model.actions import GRIDS, Params
from receiver.model.events import Event
from receiver.model.jobs import (
    TERMINAL,
    Image,
    Job,
    KeptJob,
    Report,
)
from receiver.model.money import ADDS_UP
from receiver.store.opening import throwaway_transaction
from receiver.views.dry_run.records import (
    DryRun,
    Outcome,
    PlannedCost,
    PlannedOrder,
    ToldEvent,
)
from receiver.views.dry_run.world import (
    MOST,
    DryRunWorld,
    copy_family,
    copy_job,
    copy_money,
)

#: How many follow-ups in a row are played through.
DEEPEST: Final = 10
#: What a follow-up's status means, right after it was planned; any other: it is ordered.
OUTCOMES: Final[dict[str, Outcome]] = {"held": "held", "completed": "done", "failed": "refused"}
#: Whoever posts it, it is taken as genuine.
GENUINE: Final = intake.Verification(proof="secret")
_EVENT: Final = msgspec.json.Decoder(Event)


def dry_run(setup: Setup, body: bytes, source: str | None, real: Transaction | None, now: int) -> DryRun:
    """What an event of ours (CloudEvents JSON), or a webhook's body for the source it would come to, would lead to.

    Raises NotJson, Unmapped (it is no such thing) and NotFound (no such source).
    """
    with throwaway_transaction(Ids(lambda: now)) as tx:
        stage = DryRunWorld(tx=tx, setup=setup, real=real, now=now)
        copy_money(stage)
        if source is None:
            _happen(stage, _event_of(body))
        else:
            _post(stage, body, source)
        events = tuple(_told(stage))
        orders = tuple(order for number in sorted(stage.about) for order in _orders(stage, number, 1))
    counted = [(order, waits) for order, waits in _each(orders, waits=False) if order.outcome in ("ordered", "held")]
    return DryRun(
        events=events,
        orders=orders,
        cost=_sums(order for order, waits in counted if not waits),
        held=_sums(order for order, waits in counted if waits),
        unknown=sum(1 for order, _ in counted if order.cost is None),
    )


# --- the event -------------------------------------------------------------------------------------------------------


def _event_of(body: bytes) -> Event:
    read_json(body)
    try:
        event = _EVENT.decode(body)
        for moment in (event.data.deadline, event.data.hold.until if event.data.hold else None):
            unstamp(moment or "2026-01-01")
    except (msgspec.MsgspecError, ValueError, OverflowError) as wrong:
        raise Unmapped(f"it is no event as `gridhook events --json` prints them: {wrong}") from None
    if ids.read("job", event.data.id) is None or ids.read("job", event.data.root_id) is None:
        raise Unmapped("its job has no id, or no root_id, of ours")
    return event


def _happen(stage: DryRunWorld, event: Event) -> None:
    """The event's job as the event tells of it; with what only the real database knows of that job."""
    number = ids.read("job", event.data.id) or 0
    kept = stage.real.job(number) if stage.real is not None else None
    if kept is not None:
        copy_family(stage, kept)
    stage.about.add(number)
    after = msgspec.structs.replace(kept or KeptJob(number=number, job=event.data), job=event.data)
    before = None
    if event.type == "job.submitted":
        before = msgspec.structs.replace(after, job=msgspec.structs.replace(event.data, status="planned"))
        copy_job(stage, before)
    advance(stage.tx, stage.setup, before, after, stage.now)
    if not stage.tx.events(Filters(job=number, type=event.type)):
        raise Unmapped(f"its type is {event.type}, but its job is {event.data.status}")


def _post(stage: DryRunWorld, body: bytes, name: str) -> None:
    source = stage.setup.sources.get(name)
    if source is None:
        raise NotFound(f"there is no source {name!r}: {nearest(name, sorted(stage.setup.sources))}")
    arrival = intake.read(Request(source=name, headers={}, body=body, received_at=stage.now), GENUINE, source)
    for report in arrival.reports:
        known = stage.real.job_at(name, report.provider_job_id or "") if stage.real is not None else None
        if known is not None:
            copy_family(stage, known)
            stage.about.add(known.number)
            copy_job(stage, _as_it_was_before(known))
    taken = intake.take(stage.tx, stage.setup, arrival)
    if taken.state != "mapped" or not taken.events:
        raise Unmapped(f"it tells nothing as a webhook of {name}: {taken.note or 'no job in it moves on'}")
    jobs = [stage.tx.job(ids.read("job", event.subject) or 0) for event in _events(stage)]
    stage.about.update(kept.number for kept in jobs if kept is not None and not kept.ordered_by_us)


def _as_it_was_before(kept: KeptJob) -> KeptJob:
    """A job that may have ended since, as it was while its vendor worked on it."""
    if kept.job.status not in TERMINAL:
        return kept
    job = msgspec.structs.replace(
        kept.job, status="running", progress=0, images=(), grid_url=None, next_actions=(), error=None, finished_at=None
    )
    return msgspec.structs.replace(kept, job=job, gave_up=False)


# --- what follows ----------------------------------------------------------------------------------------------------


def _events(stage: DryRunWorld) -> list[Event]:
    return [_EVENT.decode(body) for body in reversed(stage.tx.events(Filters(limit=MOST)))]


def _told(stage: DryRunWorld) -> Iterator[ToldEvent]:
    sinks: dict[int | None, list[str]] = {}
    for delivery in reversed(stage.tx.deliveries(Filters(limit=MOST))):
        if not delivery.is_order:
            sinks.setdefault(delivery.event, []).append(delivery.name)
    for event in _events(stage):
        yield ToldEvent(
            type=event.type,
            source=event.source_name,
            action=event.data.action,
            params=event.data.params,
            provider_job_id=event.data.provider_job_id,
            sinks=tuple(sinks.get(ids.read("evt", event.id), ())),
        )


def _orders(stage: DryRunWorld, parent: int, depth: int) -> Iterator[PlannedOrder]:
    """What is planned because of a job; each of these is then played through as if it completed."""
    planned = [one for one in stage.tx.jobs(Filters(parent=parent, limit=MOST)) if one.number not in stage.seeded]
    for kept in reversed(planned):
        plays_on = depth < DEEPEST and kept.job.status != "failed" and not _too_far(kept.job)
        if plays_on and kept.job.status not in TERMINAL:
            report_to(stage.tx, stage.setup, kept, _as_completed(kept), stage.now)
        then = tuple(_orders(stage, kept.number, depth + 1)) if plays_on else ()
        yield _order(stage, kept, then)


def _too_far(job: Job) -> bool:
    return job.hold is not None and job.hold.reason == "limit"


def _as_completed(kept: KeptJob) -> Report:
    tiles = 4 if kept.job.action in GRIDS else 1
    images = tuple(Image(index=index + 1, url=f"https://example.invalid/{index}.png") for index in range(tiles))
    return Report(provider_job_id=f"dry-run-{kept.number}", status="completed", images=images)


def _order(stage: DryRunWorld, kept: KeptJob, then: tuple[PlannedOrder, ...]) -> PlannedOrder:
    job = kept.job
    outcome = OUTCOMES.get(job.status, "ordered")
    account = stage.setup.sources.get(job.source)
    price = account.price(job.action or "", _params_of(kept)) if account is not None else None
    before = _planned_before(stage, kept)
    return PlannedOrder(
        action=job.action or "?",
        params=job.params,
        source=job.source,
        provider=job.provider,
        rule=job.rule,
        outcome=outcome,
        cost=price if outcome in ("ordered", "held") else None,
        hold=job.hold,
        error=job.error,
        known=before.job.id if before is not None else None,
        then=then,
    )


def _params_of(kept: KeptJob) -> Params:
    """The parameters of a job; of a question with some tile, since each costs the same."""
    return kept.job.params if kept.question is None else {"index": kept.question.default or 1, **kept.job.params}


def _planned_before(stage: DryRunWorld, kept: KeptJob) -> KeptJob | None:
    if stage.real is None or kept.intent is None:
        return None
    return stage.real.job_for(kept.intent) if kept.question is None else stage.real.question_for(kept.intent)


def _each(orders: Iterable[PlannedOrder], *, waits: bool) -> Iterator[tuple[PlannedOrder, bool]]:
    """Every order of the trees, and whether it or one before it is held."""
    for order in orders:
        held = waits or order.outcome == "held"
        yield order, held
        yield from _each(order.then, waits=held)


def _sums(orders: Iterable[PlannedOrder]) -> tuple[PlannedCost, ...]:
    """What the orders cost, by unit and, for credits, by source."""
    sums: dict[tuple[str, str], Decimal] = {}
    for order in orders:
        if order.cost is not None:
            key = order.cost.unit, "" if order.cost.unit == ADDS_UP else order.source
            sums[key] = sums.get(key, Decimal(0)) + order.cost.amount
    return tuple(PlannedCost(amount=sums[key], unit=key[0], source=key[1] or None) for key in sorted(sums))
