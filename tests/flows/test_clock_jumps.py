"""What waits when the clock is set."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

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
from receiver.flows import budgets
from receiver.flows.clock_jumps import ClockJump, jump_between, see_clock
from receiver.lib.steady_clock import ClockReading
from receiver.lib.times import stamp, unstamp
from receiver.model.deliveries import Delivery, State
from receiver.model.destinations import Destination
from receiver.model.jobs import Hold, KeptJob
from support.claiming import next_due
from support.records import NOW, a_job
from support.taking import SETUP
from support.world import memory_transaction

DAY: Final = 86_400_000
HOUR: Final = 3_600_000
YEAR: Final = 365 * DAY
JUMPS: Final = (-YEAR, -HOUR, -2_000, 2_000, HOUR, YEAR)


def a_reading(wall: int = NOW, steady: int = 0, boot: str = "a boot") -> ClockReading:
    """What the clocks showed."""
    return ClockReading(boot=boot, steady=steady, wall=wall)


def at_first() -> Transaction:
    """A transaction on an empty database in which the clocks are known."""
    tx = memory_transaction()
    assert see_clock(tx, SETUP, a_reading(), first=True) is None
    return tx


@pytest.mark.parametrize(
    ("known", "reading", "jump"),
    [
        (a_reading(), a_reading(NOW + 9_000, 9_000), None),
        (a_reading(), a_reading(NOW + 9_900, 9_000), None),
        (a_reading(), a_reading(NOW + HOUR + 9_000, 9_000), ClockJump(HOUR, HOUR, sure=True)),
        (a_reading(), a_reading(NOW - HOUR + 9_000, 9_000), ClockJump(-HOUR, -HOUR, sure=True)),
        (a_reading(), a_reading(NOW - YEAR, 0), ClockJump(-YEAR, -YEAR, sure=True)),
        # Across a boot only the wall clock tells how long it was.
        (a_reading(), a_reading(NOW + HOUR, 3, "another"), ClockJump(0, HOUR, sure=False)),
        (a_reading(), a_reading(NOW - HOUR, 3, "another"), ClockJump(-HOUR, -HOUR, sure=False)),
        # A steady clock that went back was not steady.
        (a_reading(steady=9_000), a_reading(NOW - HOUR, 8_000), ClockJump(-HOUR, -HOUR, sure=False)),
    ],
)
def test_a_jump_is_what_the_steady_clock_does_not_tell(
    known: ClockReading, reading: ClockReading, jump: ClockJump | None
) -> None:
    assert jump_between(known, reading) == jump


@pytest.mark.parametrize("by", JUMPS)
@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_delivery_waits_for_as_long_as_it_was_to_wait(by: int, state: State) -> None:
    tx = at_first()
    tx.add_delivery(Delivery(number=1, lane="sink:team", job=1, event=1, state=state, due_at=NOW + 5_000, attempt=1))
    see_clock(tx, SETUP, a_reading(NOW + 1_000 + by, 1_000), first=False)
    found = tx.delivery(1)
    assert found is not None
    assert found.due_at == NOW + 5_000 + by
    see_clock(tx, SETUP, a_reading(NOW + 2_000, 2_000), first=False)
    assert tx.delivery(1) == msgspec.structs.replace(found, due_at=NOW + 5_000)


def test_a_delivery_that_was_not_tried_waits_for_nothing() -> None:
    tx = at_first()
    tx.add_delivery(Delivery(number=1, lane="sink:team", job=1, event=1, due_at=NOW + HOUR))
    see_clock(tx, SETUP, a_reading(NOW - HOUR + 1_000, 1_000), first=False)
    found = tx.delivery(1)
    assert found is not None
    assert found.due_at == NOW - HOUR + 1_000


@pytest.mark.parametrize("by", JUMPS)
def test_jobs_get_the_time_that_they_had_and_are_asked_for_at_once(by: int) -> None:
    tx = at_first()
    known = a_job(deadline=stamp(NOW + 60_000), provider_job_id="x")
    theirs = a_job(2, intent=None, provider_job_id="y", created_at=stamp(NOW))
    silent = a_job(3, deadline=stamp(NOW + 60_000))
    for kept in (known, theirs, silent):
        intent = f"test-{kept.number}" if kept.ordered_by_us else None
        tx.add_job(msgspec.structs.replace(kept, check_at=NOW + 60_000, intent=intent))
    now = NOW + 1_000 + by
    see_clock(tx, SETUP, a_reading(now, 1_000), first=False)
    assert deadline(tx, 1) == deadline(tx, 3) == NOW + 60_000 + by
    assert deadline(tx, 2) == NOW + by + 1_800_000
    assert [kept.number for kept in tx.due_checks("journey", now, 9)] == [1, 2]
    assert check_at(tx, 3) == now + 60_000


def deadline(tx: Transaction, number: int) -> int:
    """When a job is given up."""
    kept = tx.job(number)
    assert kept is not None
    assert kept.job.deadline is not None
    return unstamp(kept.job.deadline)


def check_at(tx: Transaction, number: int) -> int | None:
    """When a job is looked at."""
    kept = tx.job(number)
    assert kept is not None
    return kept.check_at


def test_across_a_boot_no_job_is_given_up_because_of_a_clock_that_was_set_ahead() -> None:
    tx = at_first()
    tx.add_job(a_job(deadline=stamp(NOW + 60_000), provider_job_id="x"))
    tx.add_delivery(Delivery(number=1, lane="sink:team", job=1, event=1, due_at=NOW + 5_000, attempt=1))
    see_clock(tx, SETUP, a_reading(NOW + YEAR, 3, "another"), first=True)
    assert deadline(tx, 1) == NOW + YEAR + 60_000
    assert next_due(tx, "sink:team") == NOW + 5_000


def test_across_a_boot_nothing_waits_longer_because_of_a_clock_that_was_set_back() -> None:
    tx = at_first()
    tx.add_job(a_job(deadline=stamp(NOW + 60_000), provider_job_id="x"))
    tx.add_delivery(Delivery(number=1, lane="sink:team", job=1, event=1, due_at=NOW + 5_000, attempt=1))
    see_clock(tx, SETUP, a_reading(NOW - YEAR, 3, "another"), first=True)
    assert deadline(tx, 1) == NOW - YEAR + 60_000
    assert next_due(tx, "sink:team") == NOW - YEAR + 5_000


def test_a_database_without_a_reading_goes_by_its_newest_id() -> None:
    tx = memory_transaction()
    number = tx.ids.next()
    tx.add_delivery(Delivery(number=number, lane="sink:team", job=1, event=1, due_at=NOW + 5_000, attempt=1))
    see_clock(tx, SETUP, a_reading(NOW - YEAR, 3), first=True)
    assert next_due(tx, "sink:team") == NOW - YEAR + 5_000


def test_a_second_process_moves_nothing_again() -> None:
    tx = at_first()
    tx.add_delivery(Delivery(number=1, lane="sink:team", job=1, event=1, due_at=NOW + 5_000, attempt=1))
    for passed in (1_000, 1_300, 2_000):
        see_clock(tx, SETUP, a_reading(NOW + HOUR + passed, passed), first=passed == 1_300)
    assert next_due(tx, "sink:team") == NOW + HOUR + 5_000


def test_holds_and_probes_are_moved_but_for_the_calendars() -> None:
    tx = at_first()
    for number, reason in enumerate(("pick", "breaker", "budget"), start=1):
        hold = Hold(reason=reason, since=stamp(NOW), until=stamp(NOW + HOUR))  # type: ignore[arg-type]
        tx.add_job(msgspec.structs.replace(a_job(number, status="held", hold=hold), intent=str(number)))
    tx.put_breaker(Breaker(source="journey", code="auth", note="", since=NOW, probe_at=NOW + HOUR, failures=1))
    tx.put_destination(Destination(lane="sink:team", wait_until=NOW + HOUR))
    see_clock(tx, SETUP, a_reading(NOW - DAY, 0), first=False)
    jobs = {kept.number: kept for kept in tx.jobs(Filters())}
    assert [until(jobs[number]) for number in (1, 2, 3)] == [NOW - DAY + HOUR, NOW - DAY + HOUR, NOW + HOUR]
    assert (check_at(tx, 2), check_at(tx, 3)) == (NOW - DAY, NOW - DAY)
    breaker = tx.breaker("journey")
    assert breaker is not None
    assert breaker.probe_at == NOW - DAY  # what is held is judged again
    assert tx.destination("sink:team") == Destination(lane="sink:team", wait_until=NOW - DAY + HOUR)


def until(kept: KeptJob) -> int:
    """When a hold ends."""
    assert kept.job.hold is not None
    assert kept.job.hold.until is not None
    return unstamp(kept.job.hold.until)


@pytest.mark.parametrize(
    ("boot", "by", "sent_at"),
    [("a boot", -2 * DAY, NOW - 2 * DAY), ("a boot", DAY, NOW + DAY), ("another", -2 * DAY, 0), ("another", DAY, NOW)],
)
def test_an_idempotency_key_is_trusted_no_longer_than_it_lives(boot: str, by: int, sent_at: int) -> None:
    tx = at_first()
    job = a_job(status="unsure", deadline=stamp(NOW))
    tx.add_job(msgspec.structs.replace(job, first_sent_at=NOW))
    see_clock(tx, SETUP, a_reading(NOW + by, 0, boot), first=True)
    kept = tx.job(1)
    assert kept is not None
    assert kept.first_sent_at == sent_at


# --- budgets ---------------------------------------------------------------------------------------------------------

A_DAY: Final = Budget(amount=Decimal(4), unit="credits", per="day")


class Spender:
    """Spends what a budget of four credits a day allows, whatever the clock shows."""

    def __init__(self) -> None:
        self.tx = at_first()
        self.wall, self.steady, self.jobs = NOW, 0, 0

    def used(self) -> Decimal:
        """What is used of the present day."""
        span = budgets.counted_span(self.tx, A_DAY, self.wall, "UTC")
        return budgets.used(self.tx.cost_sums(*span, of=("source", "journey")), "credits")

    def spend(self) -> int:
        """Spends all that is left of the day; returns how much that was."""
        spent = 0
        while self.used() < A_DAY.amount:
            self.jobs += 1
            self.tx.put_cost(
                CostRow(
                    job=self.jobs,
                    source="journey",
                    rule=None,
                    at=self.wall,
                    state="spent",
                    unit="credits",
                    amount=Decimal(1),
                )
            )
            spent += 1
        return spent

    def set_by(self, ms: int) -> None:
        """Sets the clock."""
        self.wall += ms
        see_clock(self.tx, SETUP, a_reading(self.wall, self.steady), first=False)

    def pass_by(self, ms: int) -> None:
        """Lets time pass."""
        self.wall += ms
        self.steady += ms
        see_clock(self.tx, SETUP, a_reading(self.wall, self.steady), first=False)


def test_a_day_is_not_spent_again_when_the_clock_goes_back_and_forth() -> None:
    spender = Spender()
    assert spender.spend() == 4
    spender.set_by(DAY)
    assert spender.spend() == 4
    for there in (-DAY, DAY, -DAY, -2 * DAY, 3 * DAY, -DAY):
        spender.set_by(there)
        assert spender.spend() == 0


def test_a_day_that_begins_again_because_the_clock_was_set_back_has_one_budget() -> None:
    spender = Spender()
    spender.pass_by(DAY - NOW % DAY + 600_000)
    assert spender.spend() == 4
    spender.set_by(-HOUR)
    assert spender.spend() == 0
    spender.pass_by(HOUR)
    assert spender.spend() == 0
    spender.pass_by(DAY)
    assert spender.spend() == 4


def test_what_was_spent_while_the_clock_ran_far_ahead_counts_on_the_day_it_was_set_right_and_not_until_then() -> None:
    spender = Spender()
    spender.set_by(YEAR)
    assert spender.spend() == 4
    spender.set_by(-YEAR)
    assert spender.spend() == 0
    for _ in range(3):
        spender.pass_by(DAY)
        assert spender.spend() == 4


@given(st.lists(st.tuples(st.booleans(), st.integers(-3 * DAY, 3 * DAY)), max_size=12))
def test_no_day_is_ever_spent_twice(steps: list[tuple[bool, int]]) -> None:
    spender = Spender()
    spent: dict[int, int] = {}
    for is_set, ms in steps:
        spender.set_by(ms) if is_set else spender.pass_by(abs(ms))
        day = spender.wall // DAY
        spent[day] = spent.get(day, 0) + spender.spend()
        assert spent[day] <= 4


def test_a_cost_of_a_later_time_counts_now_though_nobody_saw_the_clock_go_back() -> None:
    spender = Spender()
    spender.wall += DAY
    assert spender.spend() == 4
    spender.wall -= DAY
    assert spender.spend() == 0
