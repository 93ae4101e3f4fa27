"""What orders cost: by source, rule and day, the state of each budget, and the sources that take no orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final, Literal

import msgspec

from receiver.contracts import (
    Budget,
    CostSum,
    Transaction,
)
from receiver.contracts.setup import Setup
from receiver.flows.budgets import (
    counted,
    counted_span,
    period_end,
    period_start,
    used,
)
from receiver.lib.days import day_of
from receiver.lib.times import stamp
from receiver.model.jobs import KeptJob
from receiver.model.money import ADDS_UP

#: Only its period counts here: what is shown if nobody says since when.
_A_MONTH: Final = Budget(amount=Decimal(0), unit="credits", per="month")


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the jobs of one source, rule or day cost, in one unit. Amounts are exact decimals, as text in JSON."""

    #: The source, the rule (null: ordered by a person) or the day (`2026-11-21`, in the configured time zone); null in
    #: a total.
    name: str | None
    #: "credits" or "USD"
    unit: str
    #: Whose credits they are, since one vendor's are not another's; null for USD, of all sources together.
    source: str | None
    #: Of jobs that are over and were, or may have been, billed.
    spent: Decimal
    #: Of jobs that are not over yet.
    reserved: Decimal
    #: Of jobs that are over and were not billed; counts towards nothing.
    released: Decimal
    #: Number of jobs, spent or reserved, whose cost is not known: it is in none of the amounts.
    unknown: int
    #: Number of all jobs of this line.
    jobs: int


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """A budget, and what is left of it in its present period."""

    scope: Literal["source", "rule"]
    #: Of the source or the rule.
    name: str
    amount: Decimal
    unit: Literal["credits", "USD"]
    per: Literal["day", "week", "month", "total"]
    #: Spent and reserved since the period began.
    used: Decimal
    #: Never below 0, though a person may have sent more than the budget allows.
    left: Decimal
    #: Jobs of the period whose cost is not known: they are not in `used`.
    unknown: int
    #: When the present period ends; null if it never does.
    until: str | None
    #: Number of jobs that wait for a budget.
    held: int


class StoppedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source whose account refuses orders, so that none are sent there."""

    source: str
    #: Why: `insufficient_credits`, `auth` or `account`.
    code: str
    note: str
    since: str
    #: When one of the waiting jobs tries whether orders are taken again.
    probe_at: str
    #: Number of jobs that wait for it.
    held: int


class CostSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was ordered within a span of time, and what it costs. A job counts when it was (last) reserved for."""

    since: str
    #: Not included; null = until now.
    until: str | None
    time_zone: str
    #: One line for each source's credits, and one for USD.
    total: tuple[CostLine, ...]
    by_source: tuple[CostLine, ...]
    by_rule: tuple[CostLine, ...]
    by_day: tuple[CostLine, ...]
    #: As they are now, whatever span was asked for.
    budgets: tuple[BudgetState, ...]
    #: As they are now.
    stopped: tuple[StoppedSource, ...]


def summary(tx: Transaction, setup: Setup, since: int | None, until: int | None, now: int) -> CostSummary:
    """The costs from `since` (None: since the month began in the configured time zone) to before `until`, Unix ms."""
    start = period_start(_A_MONTH, now, setup.limits.time_zone) if since is None else since
    rows = tx.cost_sums(start, until, by_quarters=True)
    zone = setup.limits.time_zone
    return CostSummary(
        since=stamp(start),
        until=None if until is None else stamp(until),
        time_zone=zone,
        total=_lines(rows, lambda row: None),
        by_source=_lines(rows, lambda row: row.source),
        by_rule=_lines(rows, lambda row: row.rule),
        by_day=_lines(rows, lambda row: day_of(row.at, zone).isoformat()),
        budgets=budget_states(tx, setup, now),
        stopped=stopped_sources(tx),
    )


def month_lines(tx: Transaction, setup: Setup, now: int) -> tuple[CostLine, ...]:
    """The costs of each source since the month began in the configured time zone."""
    rows = tx.cost_sums(period_start(_A_MONTH, now, setup.limits.time_zone), by_quarters=False)
    return _lines(rows, lambda row: row.source)


def _lines(rows: Iterable[CostSum], name: Callable[[CostSum], str | None]) -> tuple[CostLine, ...]:
    """One line for each name and unit (of each source), in the order of the names; what has no name comes last."""
    groups: dict[tuple[bool, str, str, str], list[CostSum]] = {}
    for row in rows:
        said = name(row)
        source = "" if row.unit == ADDS_UP else row.source
        groups.setdefault((said is None, said or "", row.unit, source), []).append(row)
    return tuple(
        _line(None if nameless else said, unit, source or None, groups[nameless, said, unit, source])
        for nameless, said, unit, source in sorted(groups)
    )


def _line(name: str | None, unit: str, source: str | None, rows: list[CostSum]) -> CostLine:
    return CostLine(
        name=name,
        unit=unit,
        source=source,
        spent=_sum(rows, "spent"),
        reserved=_sum(rows, "reserved"),
        released=_sum(rows, "released"),
        unknown=_unknown(rows),
        jobs=sum(row.jobs for row in rows),
    )


def _sum(rows: Iterable[CostSum], state: str) -> Decimal:
    return _plain(sum((row.amount for row in rows if row.state == state), Decimal(0)))


def _unknown(rows: Iterable[CostSum]) -> int:
    return sum(row.unknown for row in rows if row.state != "released")


def _plain(amount: Decimal) -> Decimal:
    """The same amount without an exponent, so that its text is `100` and not `1E+2`."""
    return Decimal(f"{amount:f}")


# --- budgets and breakers --------------------------------------------------------------------------------------------


def budget_states(tx: Transaction, setup: Setup, now: int, *, count_held: bool = True) -> tuple[BudgetState, ...]:
    """Every budget, those of sources first. With `count_held` False `held` is 0, and no job is read."""
    limits = setup.limits
    if not limits.budgets and not limits.rule_budgets:
        return ()
    held = [kept for source in setup.sources for kept in tx.held(source, "budget")] if count_held else []
    return (
        *_states(tx, "source", limits.budgets, held, now, limits.time_zone),
        *_states(tx, "rule", limits.rule_budgets, held, now, limits.time_zone),
    )


def _states(
    tx: Transaction,
    scope: Literal["source", "rule"],
    budgets: Mapping[str, Budget],
    held: Iterable[KeptJob],
    now: int,
    zone: str,
) -> Iterable[BudgetState]:
    waiting = [kept.job.source if scope == "source" else kept.job.rule for kept in held]
    for name, budget in budgets.items():
        rows = counted(tx.cost_sums(*counted_span(tx, budget, now, zone), of=(scope, name)), budget)
        spent = used(rows, budget.unit)
        end = period_end(budget, now, zone)
        yield BudgetState(
            scope=scope,
            name=name,
            amount=_plain(budget.amount),
            unit=budget.unit,
            per=budget.per,
            used=_plain(spent),
            left=_plain(max(budget.amount - spent, Decimal(0))),
            unknown=_unknown(rows),
            until=None if end is None else stamp(end),
            held=waiting.count(name),
        )


def stopped_sources(tx: Transaction) -> tuple[StoppedSource, ...]:
    """Every source that takes no orders right now."""
    return tuple(
        StoppedSource(
            source=breaker.source,
            code=breaker.code,
            note=breaker.note,
            since=stamp(breaker.since),
            probe_at=stamp(breaker.probe_at),
            held=len(tx.held(breaker.source, "breaker")),
        )
        for breaker in tx.breakers()
    )
