"""What orders cost: exact, by source, rule and day; the state of the budgets; who takes no orders."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.contracts import (
    Breaker,
    Budget,
    CostRow,
    Filters,
    Transaction,
)
from receiver.contracts.setup import Limits, Setup
from receiver.flows import commands
from receiver.lib.times import stamp, unstamp
from receiver.views.costs import (
    CostLine,
    CostSummary,
    summary,
)
from support.money import a_day
from support.records import NOW, a_source
from support.taking import take
from support.unsure import lose_the_answer
from support.world import AUTO_HD, PICKED, memory_transaction

State = Literal["reserved", "spent", "released"]


def a_setup(limits: Limits | None = None) -> Setup:
    """One JourneyAPI account with auto-HD."""
    return Setup(sources={"journey": a_source()}, rules=(AUTO_HD,), limits=limits or Limits())


def a_cost(
    job: int,
    amount: str | None,
    state: State = "reserved",
    *,
    source: str = "journey",
    rule: str | None = "auto-hd",
    at: int = NOW,
    unit: str = "credits",
) -> CostRow:
    """What a job costs."""
    value = None if amount is None else Decimal(amount)
    return CostRow(job=job, source=source, rule=rule, at=at, state=state, unit=unit, amount=value)


def summed(rows: Iterable[CostRow], setup: Setup | None = None, since: int | None = 0) -> CostSummary:
    """The summary of these costs."""
    tx = memory_transaction()
    for row in rows:
        tx.put_cost(row)
    return summary(tx, setup or a_setup(), since, None, NOW)


def amounts(line: CostLine) -> tuple[str | None, str, str, str, str, int]:
    """A line as text."""
    return line.name, line.unit, str(line.spent), str(line.reserved), str(line.released), line.unknown


def test_costs_are_summed_by_source_rule_and_day() -> None:
    found = summed(
        [
            a_cost(1, "2", "spent"),
            a_cost(2, "2"),
            a_cost(3, "4", "released"),
            a_cost(4, "0.10", source="vtrix", unit="USD", rule=None),
            a_cost(5, "0.20", "spent", source="vtrix", unit="USD", rule=None, at=NOW - 24 * 3600 * 1000),
        ]
    )
    vtrix = ("vtrix", "USD", "0.20", "0.10", "0", 0)
    assert [amounts(line) for line in found.by_source] == [("journey", "credits", "2", "2", "4", 0), vtrix]
    assert [amounts(line)[:2] for line in found.by_rule] == [("auto-hd", "credits"), (None, "USD")]
    assert [amounts(line) for line in found.by_day] == [
        ("2026-11-17", "USD", "0.20", "0", "0", 0),
        ("2026-11-18", "USD", "0", "0.10", "0", 0),
        ("2026-11-18", "credits", "2", "2", "4", 0),
    ]
    assert [amounts(line) for line in found.total] == [
        (None, "USD", "0.20", "0.10", "0", 0),
        (None, "credits", "2", "2", "4", 0),
    ]
    assert sum(line.jobs for line in found.total) == 5


def test_the_credits_of_different_sources_are_never_added_up_and_dollars_are() -> None:
    found = summed(
        [
            a_cost(1, "2", "spent"),
            a_cost(2, "3", "spent", source="frame"),
            a_cost(3, "0.10", "spent", source="vtrix", unit="USD"),
            a_cost(4, "0.20", "spent", source="mart", unit="USD"),
        ]
    )
    each = [("USD", None, "0.30"), ("credits", "frame", "3"), ("credits", "journey", "2")]
    for view in (found.total, found.by_rule, found.by_day):
        assert [(line.unit, line.source, str(line.spent)) for line in view] == each
    assert {line.name for line in found.total} == {None}
    assert [(line.name, line.unit) for line in found.by_source] == [
        ("frame", "credits"), ("journey", "credits"), ("mart", "USD"), ("vtrix", "USD"),
    ]  # fmt: skip


def test_an_unknown_cost_is_counted_and_never_zero() -> None:
    found = summed([a_cost(1, None), a_cost(2, None, "spent"), a_cost(3, None, "released"), a_cost(4, "0")])
    (line,) = found.total
    assert (line.unknown, line.jobs, str(line.spent), str(line.reserved)) == (2, 4, "0", "0")


@given(
    st.lists(
        st.tuples(st.decimals("0", "1e9", places=4), st.sampled_from(["spent", "reserved", "released"])), max_size=30
    )
)
def test_every_view_adds_up_to_the_same_exact_sum(costs: list[tuple[Decimal, State]]) -> None:
    rows = [
        a_cost(number, str(amount), state, source=f"s{number % 3}", rule=f"r{number % 2}", at=NOW - number * 10**7)
        for number, (amount, state) in enumerate(costs)
    ]
    found = summed(rows)
    exact = {state: sum((amount for amount, said in costs if said == state), Decimal(0)) for _, state in costs}
    for view in (found.total, found.by_source, found.by_rule, found.by_day):
        for state, wanted in exact.items():
            assert sum((getattr(line, state) for line in view), Decimal(0)) == wanted
        assert sum(line.jobs for line in view) == len(costs)


def test_amounts_are_plain_decimal_text_in_json() -> None:
    found = msgspec.json.decode(
        msgspec.json.encode(summed([a_cost(1, "1E+2", "spent"), a_cost(2, "0.1"), a_cost(3, "0.2")]))
    )
    assert (found["total"][0]["spent"], found["total"][0]["reserved"]) == ("100", "0.3")


@pytest.mark.parametrize(
    ("zone", "start", "day"),
    [
        ("UTC", "2026-11-01T00:00:00.000Z", "2026-11-18"),
        ("Pacific/Kiritimati", "2026-10-31T10:00:00.000Z", "2026-11-19"),
    ],
)
def test_days_and_the_month_begin_in_the_configured_time_zone(zone: str, start: str, day: str) -> None:
    setup = a_setup(Limits(time_zone=zone))
    rows = [a_cost(1, "1"), a_cost(2, "1", at=unstamp(start)), a_cost(3, "1", at=unstamp(start) - 1)]
    found = summed(rows, setup, None)
    assert (found.since, found.time_zone) == (start, zone)
    assert [line.name for line in found.by_day] == ["2026-11-01", day]


def test_a_span_takes_its_first_moment_and_leaves_its_last_out() -> None:
    tx = memory_transaction()
    for number in range(4):
        tx.put_cost(a_cost(number, "1", at=NOW + number))
    found = summary(tx, a_setup(), NOW + 1, NOW + 3, NOW)
    assert (found.total[0].jobs, found.since, found.until) == (2, stamp(NOW + 1), stamp(NOW + 3))


def test_a_budget_tells_what_is_used_left_and_waits() -> None:
    tx = memory_transaction()
    rule = Budget(amount=Decimal(100), unit="credits", per="total")
    setup = a_setup(msgspec.structs.replace(a_day("5"), rule_budgets={"auto-hd": rule}))
    for number in range(4):
        take(tx, {**PICKED, "task_id": f"task-{number}"}, setup)
    tx.put_cost(a_cost(99, None))
    day, total = summary(tx, setup, None, None, NOW).budgets
    assert (day.scope, day.name, str(day.used), str(day.left), day.held) == ("source", "journey", "4", "1", 2)
    assert (day.unknown, day.until) == (1, "2026-11-19T00:00:00.000Z")
    assert (total.scope, total.name, str(total.left), total.until) == ("rule", "auto-hd", "96", None)


def test_what_a_person_sent_beyond_a_budget_does_not_make_what_is_left_negative() -> None:
    tx = memory_transaction()
    setup = a_setup(a_day("1"))
    take(tx, PICKED, setup)
    commands.resolve(tx, setup, held_job(tx), "send", NOW)
    (budget,) = summary(tx, setup, None, None, NOW).budgets
    assert (str(budget.used), str(budget.left), budget.held) == ("2", "0", 0)


def held_job(tx: Transaction) -> str:
    """The id of the one held job."""
    (kept,) = tx.jobs(Filters(status="held"))
    return kept.job.id


def test_an_unsure_order_that_is_sent_again_counts_twice() -> None:
    tx = memory_transaction()
    setup = a_setup()
    take(tx, PICKED, setup)
    job = lose_the_answer(tx, setup, "journey", NOW)
    assert str(summary(tx, setup, None, None, NOW).total[0].reserved) == "2"
    commands.resolve(tx, setup, job.id, "send", NOW)
    assert str(summary(tx, setup, None, None, NOW).total[0].reserved) == "4"


def test_a_source_that_takes_no_orders_is_told() -> None:
    tx = memory_transaction()
    note = "journey refuses orders: balance is 0"
    tx.put_breaker(
        Breaker(source="journey", code="insufficient_credits", note=note, since=NOW - 1, probe_at=NOW + 1, failures=1)
    )
    take(tx, PICKED, a_setup())
    (stopped,) = summary(tx, a_setup(), None, None, NOW).stopped
    assert (stopped.source, stopped.code, stopped.note, stopped.held) == ("journey", "insufficient_credits", note, 1)
    assert (stopped.since, stopped.probe_at) == (stamp(NOW - 1), stamp(NOW + 1))


def test_without_orders_there_is_nothing_to_tell() -> None:
    found = summed([])
    assert (found.total, found.by_source, found.by_day, found.budgets, found.stopped) == ((), (), (), (), ())
