"""Never paid twice, never lost: whatever order a machine finds for webhooks, people, faults, kills and hours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from receiver.contracts import Budget
from receiver.contracts.options import NoOptions
from receiver.contracts.setup import Limits
from receiver.errors import GridhookError, NotPossible
from receiver.flows import commands
from receiver.flows.open_jobs import check_everything_open
from receiver.model import submissions
from receiver.model.jobs import KeptJob
from receiver.model.rules import Rule
from receiver.providers.journeyapi import JourneyAPI
from support.pretend import FATES, Fate
from support.promises import Promises
from support.questions import asking
from support.road import TO_THE_END, Keyed, Road
from support.world import AUTO_HD

WHICH = st.integers(0, 11)
STEPS = st.sampled_from([1, 2, 3, 4, 5, TO_THE_END, TO_THE_END])
FATE = st.sampled_from([*FATES, "taken", "taken", "taken, no answer"])
#: Which try, how far, and what becomes of a call on the way.
MOVES = st.lists(st.tuples(st.integers(0, 5), STEPS, FATE), max_size=6)
#: Seconds: a moment, one look, a deadline, the longest hold of a breaker, a day and more than a key lives.
WAITS = st.sampled_from([3, 21, 61, 1801, 3601, 20_000, 90_000])
BUDGETS = (
    None,
    Budget(amount=Decimal(6), unit="credits", per="day"),
    Budget(amount=Decimal(5), unit="credits", per="total"),
)
SETTINGS = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Machine(RuleBasedStateMachine):
    """Whatever happens, in any order."""

    provider: ClassVar[type[JourneyAPI]] = JourneyAPI
    configured: ClassVar[tuple[Rule, ...]] = (AUTO_HD,)

    @initialize(budget=st.sampled_from(BUDGETS))
    def begin(self, budget: Budget | None) -> None:
        limits = Limits(budgets={"journey": budget} if budget else {})
        self.road = Road(self.provider(NoOptions()), limits, self.configured)
        self.promises = Promises(self.road, budget)
        self.forced = False
        self.sound = True

    # --- what comes in

    @rule(number=st.integers(0, 3))
    def another_tool_picks(self, number: int) -> None:
        self.road.vendor.finished_elsewhere(f"pick-{number}", "upscale-1x")
        self.road.webhook(*self.road.vendor.posts.pop(), on_ref=False)

    @rule(index=st.integers(1, 2))
    def a_person_picks(self, index: int) -> None:
        self.road.vendor.finished_elsewhere("grid", "imagine")
        self.road.webhook(*self.road.vendor.posts.pop(), on_ref=False)
        grid = self.road.view(lambda tx: tx.job_at("journey", "grid"))
        assert grid is not None
        now = self.road.clock()
        self.road.store.commit(lambda tx: commands.pick(tx, self.road.setup, grid.job.id, index, "api", now))

    @rule(key=st.sampled_from(["a", "b"]))
    def a_script_submits(self, key: str) -> None:
        wish = submissions.Submission(
            source="journey", action="imagine", params={"prompt": key}, then={"action": "pick", "index": 3}
        )
        now = self.road.clock()
        self.road.store.commit(lambda tx: commands.submit(tx, self.road.setup, wish, now, key))

    @precondition(lambda self: self.road.vendor.bills)
    @rule(which=WHICH, how=st.sampled_from(["running", "completed", "completed", "failed"]), percent=st.integers(0, 99))
    def the_vendor_works(self, which: int, how: str, percent: int) -> None:
        bills = self.road.vendor.bills
        self.road.vendor.work(bills[which % len(bills)], how, percent)  # type: ignore[arg-type]

    @precondition(lambda self: self.road.vendor.posts)
    @rule(which=WHICH, on_ref=st.booleans(), again=st.booleans(), killed=st.sampled_from([False, False, False, True]))
    def a_webhook_comes(self, which: int, on_ref: bool, again: bool, killed: bool) -> None:
        posts = self.road.vendor.posts
        task, body = posts[which % len(posts)]
        if killed:
            self.road.kill_while_taking(task, body)
            return
        self.road.webhook(task, body, on_ref=on_ref)
        if not again:
            del posts[which % len(posts)]

    # --- what goes out

    @rule(most=st.integers(1, 3), moves=MOVES)
    def a_dispatcher_claims(self, most: int, moves: list[tuple[int, int, Fate]]) -> None:
        self.road.claim(most)
        self.orders_go_on(moves)

    @precondition(lambda self: self.road.tries)
    @rule(moves=MOVES)
    def orders_go_on(self, moves: list[tuple[int, int, Fate]]) -> None:
        for which, steps, fate in moves:
            if tries := self.road.tries:
                self.road.go_on(tries[which % len(tries)], steps, fate)

    @rule(answered=st.sampled_from([True, True, False]))
    def the_reconciler_looks(self, answered: bool) -> None:
        self.road.look(answered=answered)

    # --- what goes wrong, and on

    @precondition(lambda self: self.road.tries)
    @rule(which=WHICH, torn=st.booleans())
    def the_process_is_killed(self, which: int, torn: bool) -> None:
        tries = self.road.tries
        self.road.kill(tries[which % len(tries)] if torn else None)

    @precondition(lambda self: self.road.tries)
    @rule(moves=MOVES)
    def another_process_takes_over_from_one_that_hangs(self, moves: list[tuple[int, int, Fate]]) -> None:
        self.road.take_over()
        self.road.claim()
        self.orders_go_on(moves)

    @precondition(lambda self: self.road.tries)
    @rule(which=WHICH)
    def a_shutdown_interrupts(self, which: int) -> None:
        tries = self.road.tries
        self.road.interrupt(tries[which % len(tries)])

    @rule(seconds=WAITS, moves=MOVES)
    def time_passes(self, seconds: int, moves: list[tuple[int, int, Fate]]) -> None:
        self.road.clock.pass_by(seconds)
        self.road.claim()
        self.orders_go_on(moves)

    @precondition(lambda self: self._ours())
    @rule(which=WHICH, decision=st.sampled_from(["check", "send", "send", "give-up"]))
    def a_person_decides(self, which: int, decision: submissions.Decision) -> None:
        """Of the jobs that ask for it, if there are any."""
        ours = self._ours()
        waiting = [kept for kept in ours if kept.job.status in ("unsure", "held")] or ours
        kept = waiting[which % len(waiting)]
        try:
            self.road.resolve(kept, decision)
        except GridhookError:
            return
        self.forced |= decision == "send"

    def _ours(self) -> list[KeptJob]:
        return [kept for kept in self.road.jobs() if kept.ordered_by_us]

    # --- what must hold

    @invariant()
    def it_holds(self) -> None:
        """After every step."""
        self.sound = False
        self.promises.hold(forced=self.forced)
        self.sound = True

    def teardown(self) -> None:
        """In the end, unless something is wrong already."""
        if not getattr(self, "sound", False):
            return
        self.road.come_to_rest()
        self.promises.hold(forced=self.forced)
        self.promises.hold_at_rest()
        self.road.store.close()


class WithQuestions(Machine):
    """The same where each grid makes two questions, one of which has a default."""

    configured = (AUTO_HD, asking("poster", default=2, then=()), asking("wild", within_s=90_000, then=()))

    @precondition(lambda self: self._questions())
    @rule(which=WHICH, index=st.integers(1, 4))
    def a_question_is_answered(self, which: int, index: int) -> None:
        """An open one, or one that was answered or has lapsed before."""
        questions = self._questions()
        asked = questions[which % len(questions)].job.id
        now = self.road.clock()
        with contextlib.suppress(NotPossible):
            self.road.store.commit(lambda tx: commands.pick(tx, self.road.setup, asked, index, "api", now))

    @rule()
    def everything_is_looked_at_after_a_start(self) -> None:
        self.road.store.commit(lambda tx: check_everything_open(tx, self.road.setup, self.road.clock()))

    def _questions(self) -> list[KeptJob]:
        return [kept for kept in self.road.jobs() if kept.question is not None]

    @invariant()
    def an_answer_stays_what_it_was(self) -> None:
        """After every step: nobody answers after somebody, and what is answered is ordered or says why not."""
        answers = getattr(self, "answers", {})
        for kept in self._questions():
            index = kept.job.params.get("index")
            assert answers.get(kept.number, index) == index
            if index is not None:
                answers[kept.number] = index
                assert kept.job.decided_by in ("api", "default")
        self.answers = answers


class WithKeys(Machine):
    """The same where the vendor honours an idempotency key."""

    provider = Keyed


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.reset_defaults()


def test_no_order_of_events_pays_twice_or_loses_a_result() -> None:
    run_state_machine_as_test(Machine, settings=SETTINGS)


def test_no_order_of_events_pays_twice_where_the_vendor_honours_a_key() -> None:
    run_state_machine_as_test(WithKeys, settings=SETTINGS)


def test_no_order_of_answers_deadlines_and_restarts_orders_a_tile_twice() -> None:
    run_state_machine_as_test(WithQuestions, settings=settings(SETTINGS, max_examples=100))


# --- what takes more luck to find


def a_road(picks: int, limits: Limits | None = None) -> Road:
    """Picks of another tool, and their HD orders."""
    road = Road(JourneyAPI(NoOptions()), limits or Limits())
    for number in range(picks):
        road.vendor.finished_elsewhere(f"pick-{number}", "upscale-1x")
        road.webhook(*road.vendor.posts.pop(), on_ref=False)
    return road


def test_an_order_that_was_held_back_while_the_breaker_closed_is_sent_all_the_same() -> None:
    road = a_road(3)
    refused, taken, waiting = road.claim()
    road.go_on(taken, 2, "taken")
    road.go_on(refused, TO_THE_END, "402")
    road.go_on(waiting, 1, "taken")
    road.go_on(taken, TO_THE_END, "taken")
    road.go_on(waiting, TO_THE_END, "taken")
    Promises(road, None).hold(forced=False)
    road.come_to_rest()
    assert len(road.vendor.bills) == 2


def test_an_order_that_was_held_back_keeps_its_place_in_the_budget() -> None:
    road = a_road(2, Limits(budgets={"journey": Budget(amount=Decimal(8), unit="credits", per="total")}))
    wish = submissions.Submission(source="journey", action="imagine", params={"prompt": "a lighthouse"})
    road.store.commit(lambda tx: commands.submit(tx, road.setup, wish, road.clock()))
    refused, taken, dear = road.claim()
    road.go_on(taken, 2, "taken")
    road.go_on(refused, TO_THE_END, "402")
    road.go_on(dear, TO_THE_END, "taken")
    assert road.jobs()[-1].job.status == "held"
    road.go_on(taken, TO_THE_END, "taken")
    assert road.jobs()[-1].job.status == "planned"


def test_a_job_held_for_a_total_budget_goes_out_once_a_refused_order_frees_the_money() -> None:
    budget = Budget(amount=Decimal(5), unit="credits", per="total")
    road = a_road(3, Limits(budgets={"journey": budget}))
    assert [kept.job.status for kept in road.jobs() if kept.ordered_by_us] == ["planned", "planned", "held"]
    refused, _taken = road.claim()
    road.go_on(refused, TO_THE_END, "400")
    road.come_to_rest()
    assert len(road.vendor.bills) == 2
    Promises(road, budget).hold(forced=False)


def test_a_dispatcher_that_hung_does_not_pass_the_fence_of_the_one_that_took_over() -> None:
    road = a_road(1)
    (hung,) = road.claim()
    road.take_over()
    (following,) = road.claim()
    road.go_on(hung, 1, "taken")
    road.go_on(following, TO_THE_END, "taken")
    Promises(road, None).hold(forced=False)
    road.go_on(hung, TO_THE_END, "taken")
    Promises(road, None).hold(forced=False)
    assert len(road.vendor.bills) == 1


def test_a_key_that_may_be_forgotten_is_not_sent_again() -> None:
    road = Road(Keyed(NoOptions()), Limits())
    road.vendor.finished_elsewhere("pick", "upscale-1x")
    road.webhook(*road.vendor.posts.pop(), on_ref=False)
    (lost,) = road.claim()
    road.go_on(lost, TO_THE_END, "taken, no answer")
    road.clock.pass_by(25 * 3600)
    (late,) = road.claim()
    road.go_on(late, TO_THE_END, "taken")
    assert len(road.vendor.bills) == 1
    Promises(road, None).hold(forced=False)
