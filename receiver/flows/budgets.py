"""Budgets and costs: reserve when a job is planned, settle by what becomes of it. Decimals, never floats."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeVar

import msgspec

from receiver.contracts import (
    Budget,
    CostRow,
    CostSum,
    Scope,
    Source,
    Transaction,
)
from receiver.contracts.setup import Limits, Setup
from receiver.lib.days import day_of, day_start
from receiver.lib.times import stamp
from receiver.model.jobs import (
    TERMINAL,
    Cost,
    Hold,
    KeptJob,
)
from receiver.model.money import Breaker

AnyCost = TypeVar("AnyCost", CostRow, CostSum)
#: Longer than any period: "total" looks back to the beginning.
BEGINNING: Final = 0


class CountedSpan(NamedTuple):
    """Costs reserved from one moment on and before another, Unix ms; None = without an end."""

    since: int
    until: int | None


def limit_hold(tx: Transaction, limits: Limits, kept: KeptJob, depth: int, now: int) -> Hold | None:
    """A hold if a follow-up is deeper, or one of more, than the limits allow. `depth` 1 = a root's child."""
    if depth > limits.depth:
        return Hold(reason="limit", since=stamp(now), note=f"it would be follow-up number {depth} in a row")
    if depth and tx.family_size(kept.job.root_id) >= limits.jobs:
        return Hold(reason="limit", since=stamp(now), note=f"its root has led to {limits.jobs} jobs already")
    return None


def budget_hold(tx: Transaction, limits: Limits, kept: KeptJob, price: Cost | None, now: int) -> Hold | None:
    """A hold if the job does not fit into the budget of its source or its rule. An unknown price fits into none."""
    for name, budget in _budgets(limits, kept):
        span = counted_span(tx, budget, now, limits.time_zone)
        # A job that was held back after it was planned has its place in the budget already.
        spent = used(counted(tx.cost_sums(*span, of=name), budget), budget.unit) - _own(tx, kept, name, budget, span)
        if price is None or price.unit != budget.unit:
            note = f"its price is not known in {budget.unit}: set `prices` at the source"
        elif not counts(budget, kept.job.source):
            note = f"{name[0]} {name[1]}'s budget does not count in the {budget.unit} of {kept.job.source}"
        elif spent + price.amount > budget.amount:
            note = (
                f"{price.amount} more would exceed {name[0]} {name[1]}'s {budget.amount} {budget.unit} ({spent} used)"
            )
        else:
            continue
        until = period_end(budget, now, limits.time_zone)
        return Hold(reason="budget", since=stamp(now), until=None if until is None else stamp(until), note=note)
    return None


def _own(tx: Transaction, kept: KeptJob, name: Scope, budget: Budget, span: CountedSpan) -> Decimal:
    """What of a budget is used by this very job."""
    row = tx.cost(kept.number)
    if row is None or getattr(row, name[0]) != name[1]:
        return Decimal(0)
    if row.at < span.since or (span.until is not None and row.at >= span.until):
        return Decimal(0)
    return used(counted([row], budget), budget.unit)


def _budgets(limits: Limits, kept: KeptJob) -> Iterable[tuple[Scope, Budget]]:
    job = kept.job
    wanted: list[tuple[Scope, Budget | None]] = [(("source", job.source), limits.budgets.get(job.source))]
    if job.rule is not None:
        wanted.append((("rule", job.rule), limits.rule_budgets.get(job.rule)))
    for scope, budget in wanted:
        if budget is not None:
            yield scope, budget


def counts(budget: Budget, source: str) -> bool:
    """Whether a budget counts what is spent at a source."""
    return budget.sources is None or source in budget.sources


def counted(rows: Iterable[AnyCost], budget: Budget) -> list[AnyCost]:
    """The costs that a budget counts: unlike credits are never added up."""
    return [row for row in rows if counts(budget, row.source)]


def used(rows: Iterable[CostRow | CostSum], unit: str) -> Decimal:
    """What is spent or reserved in this unit; what is released does not count."""
    return sum((row.amount for row in rows if row.amount and row.unit == unit and row.state != "released"), Decimal(0))


def reserve(tx: Transaction, kept: KeptJob, source: Source, now: int) -> None:
    """Counts a planned job against the budgets from now on.

    One that is sent again after it was unsure counts for both sendings, until the vendor reports what it cost.
    """
    cost = kept.job.cost
    amount = cost.amount if cost else None
    earlier = tx.cost(kept.number)
    if amount is not None and earlier is not None and earlier.amount is not None and kept.sent_twice:
        amount += earlier.amount
    tx.put_cost(
        CostRow(
            job=kept.number,
            source=kept.job.source,
            rule=kept.job.rule,
            at=now,
            state="reserved",
            unit=cost.unit if cost else source.provider.unit,
            amount=amount,
        )
    )


def update_cost(tx: Transaction, before: KeptJob | None, after: KeptJob, source: Source | None, now: int) -> None:
    """Brings a job's cost up to what has become of it: spent by the reported cost, or released.

    What that frees may be enough for a job that is held: those are looked at again.
    """
    if before is None or not after.ordered_by_us:
        return
    if (before.job.status, before.job.cost) == (after.job.status, after.job.cost):
        return
    row = tx.cost(after.number)
    if row is None:
        return
    state = cost_state(after, source)
    cost = after.job.cost
    # What was reported settles what was reserved; so does the price of a job whose failure, and refund, was taken back.
    settles = _is_reported(cost) or _is_reported(before.job.cost)
    amount, unit = (cost.amount, cost.unit) if cost is not None and settles else (row.amount, row.unit)
    settled = msgspec.structs.replace(row, state=state, amount=amount, unit=unit)
    tx.put_cost(settled)
    if used([settled], row.unit) < used([row], row.unit):
        tx.check_held_now(now)


def _is_reported(cost: Cost | None) -> bool:
    return cost is not None and cost.source == "reported"


def cost_state(kept: KeptJob, source: Source | None) -> Literal["reserved", "spent", "released"]:
    """What a job's cost is by its status. What may have been billed counts as spent."""
    job = kept.job
    if job.status not in TERMINAL:
        return "reserved"
    if job.status == "completed" or kept.gave_up:
        return "spent"
    if job.cost is not None and job.cost.source == "reported":
        return "spent"
    sent = job.submitted_at is not None or kept.was_unsure or kept.sent_twice
    return "spent" if sent and not (source is not None and source.provider.refunds) else "released"


def counted_span(tx: Transaction, budget: Budget, now: int, time_zone: str) -> CountedSpan:
    """The costs that count in the budget's present period, by the moment of their reservation.

    Those of its days, whichever way the clock came there: no day is spent twice. And those of later days, which a clock
    that ran ahead showed: they count in the period in which it was set back, and in no other before their own.
    """
    since = period_start(budget, now, time_zone)
    set_back_at = tx.set_back_at()
    ran_ahead_before = set_back_at is not None and set_back_at < since
    return CountedSpan(since, period_end(budget, now, time_zone) if ran_ahead_before else None)


def period_start(budget: Budget, now: int, time_zone: str) -> int:
    """When the budget's present period began, Unix ms: every moment lies in exactly one period."""
    if budget.per == "total":
        return BEGINNING
    return day_start(_first_day(budget, day_of(now, time_zone)), time_zone)


def period_end(budget: Budget, now: int, time_zone: str) -> int | None:
    """When the budget's next period begins, Unix ms; None if there is none."""
    if budget.per == "total":
        return None
    first = _first_day(budget, day_of(now, time_zone))
    # Some day of the period that follows, whichever it is.
    following = first + timedelta(days={"day": 1, "week": 7, "month": 31}[budget.per])
    return day_start(_first_day(budget, following), time_zone)


def _first_day(budget: Budget, day: date) -> date:
    """The first day of the period that a day lies in."""
    if budget.per == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if budget.per == "month" else day


def hold_for(tx: Transaction, setup: Setup, kept: KeptJob, now: int) -> Hold | None:
    """Why a job must not be ordered now: its source's breaker is open, or it does not fit into a budget."""
    breaker = tx.breaker(kept.job.source)
    if breaker is not None and not kept.is_probe:
        return breaker_hold(breaker, now)
    return budget_hold(tx, setup.limits, kept, kept.job.cost, now)


def breaker_hold(breaker: Breaker, now: int) -> Hold:
    """The hold of an order whose source's account takes none."""
    return Hold(reason="breaker", since=stamp(now), until=stamp(breaker.probe_at), note=breaker.note)
