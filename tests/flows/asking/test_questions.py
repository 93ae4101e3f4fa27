"""Questions: who answers first, what a deadline does, and that nothing is ordered twice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from receiver.contracts import Budget, Filters, Transaction
from receiver.contracts.setup import Limits, Setup
from receiver.errors import InvalidParams, NotFound, NotPossible
from receiver.flows import commands
from receiver.flows.asking.questions import open_questions
from receiver.flows.breakers import judge_again
from receiver.flows.open_jobs import check_everything_open
from receiver.flows.reports import report_to
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.events import Event, decode_event
from receiver.model.jobs import KeptJob, Then
from receiver.model.rules import Rule
from receiver.model.submissions import Submission
from receiver.workers.reconciler import see_to
from support.claiming import claim
from support.questions import ask_about, asking, grid_body, picks, setup_asking
from support.records import NOW, a_report, a_source, four_images
from support.taking import take
from support.world import PICKED, memory_transaction

HOUR_MS = 3_600_000


def refused(code: str, tx: Transaction, setup: Setup, job_id: str, index: object) -> None:
    with pytest.raises(NotPossible) as caught:
        commands.pick(tx, setup, job_id, index, "api", NOW)
    assert caught.value.code == code


def current(tx: Transaction, kept: KeptJob) -> KeptJob:
    found = tx.job(kept.number)
    assert found is not None
    return found


def told(tx: Transaction, kept: KeptJob) -> list[str]:
    """Types of the job's events, oldest first."""
    return [decode_event(body).type for body in reversed(tx.events(Filters(job=kept.number)))]


def test_a_question_is_a_held_job_that_is_told_at_once_and_costs_nothing() -> None:
    tx, setup = memory_transaction(), setup_asking(asking(default=1))
    grid, question = ask_about(tx, setup)
    job = question.job
    assert (job.status, job.action, job.params, job.rule, job.parent_id) == ("held", "pick", {}, "poster", grid.job.id)
    assert job.hold is not None
    assert (job.hold.reason, job.hold.since, job.hold.until, job.hold.default) == (
        "pick",
        stamp(NOW),
        stamp(NOW + HOUR_MS),
        1,
    )
    assert (job.cost, job.decided_by, tx.cost(question.number)) == (None, None, None)
    assert told(tx, question) == ["job.held"]
    assert [(one.lane, one.job) for one in tx.deliveries(Filters())] == [("sink:team", question.number)]


def test_the_first_answer_orders_the_tile_with_all_that_follows() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, question = ask_about(tx, setup)
    picked = commands.pick(tx, setup, grid.job.id, "2", "slack:U1 Ada", NOW + 5)
    assert picked.number == question.number
    assert (picked.job.status, picked.job.params, picked.job.decided_by) == ("planned", {"index": 2}, "slack:U1 Ada")
    assert (picked.job.hold, picked.check_at, len(picked.then)) == (None, None, 1)
    assert picked.job.cost is not None
    assert tx.order_delivery(picked.number) is not None


def test_the_same_tile_again_is_the_same_job_by_whatever_way() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, question = ask_about(tx, setup)
    ways = [grid.job.id, question.job.id, question.job.id, grid.job.id]
    numbers = {commands.pick(tx, setup, way, 3, "api", NOW).number for way in ways}
    assert numbers == {question.number}
    assert len(picks(tx)) == 1
    assert current(tx, question).job.decided_by == "api"


def test_a_second_answer_to_the_question_is_refused_and_orders_nothing() -> None:
    tx, setup = memory_transaction(), setup_asking()
    _, question = ask_about(tx, setup)
    commands.pick(tx, setup, question.job.id, 3, "slack:U1 Ada", NOW)
    refused("already_answered", tx, setup, question.job.id, 2)
    assert len(picks(tx)) == 1


def test_another_tile_after_the_answer_is_an_order_of_its_own() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, question = ask_about(tx, setup)
    commands.pick(tx, setup, grid.job.id, 3, "api", NOW)
    further = commands.pick(tx, setup, grid.job.id, 2, "cli", NOW)
    assert further.number != question.number
    assert (further.job.params, further.job.decided_by, further.job.rule) == ({"index": 2}, "cli", None)
    assert commands.pick(tx, setup, grid.job.id, 2, "api", NOW).number == further.number
    assert len(picks(tx)) == 2


def test_a_repeat_of_the_webhook_asks_nothing_again_before_and_after_the_answer() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, question = ask_about(tx, setup)
    take(tx, grid_body(), setup)
    commands.pick(tx, setup, grid.job.id, 1, "api", NOW)
    take(tx, grid_body(), setup)
    assert [kept.number for kept in picks(tx)] == [question.number]


def test_several_grids_may_be_open_at_once_and_each_is_answered_alone() -> None:
    tx, setup = memory_transaction(), setup_asking()
    pairs = [ask_about(tx, setup, f"grid-{number}") for number in range(3)]
    commands.pick(tx, setup, pairs[1][0].job.id, 4, "api", NOW)
    assert [current(tx, question).job.status for _, question in pairs] == ["held", "planned", "held"]


@pytest.mark.parametrize("index", [0, 5, True, None, "two", 2.0, "ask"])
def test_what_is_no_tile_is_no_answer(index: object) -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, question = ask_about(tx, setup)
    for job_id in (grid.job.id, question.job.id):
        with pytest.raises(InvalidParams):
            commands.pick(tx, setup, job_id, index, "api", NOW)
    assert current(tx, question) == question


# --- the deadline ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("default", "status", "params"), [(2, "planned", {"index": 2}), (None, "canceled", {})])
def test_the_deadline_does_what_was_said(default: int | None, status: str, params: dict[str, int]) -> None:
    tx, setup = memory_transaction(), setup_asking(asking(default=default))
    _, question = ask_about(tx, setup)
    assert question.check_at == NOW + HOUR_MS
    see_to(tx, setup, question.number, NOW + HOUR_MS - 1)
    assert current(tx, question) == question
    see_to(tx, setup, question.number, NOW + HOUR_MS)
    after = current(tx, question).job
    assert (after.status, after.params, after.hold) == (status, params, None)
    assert after.decided_by == ("default" if default else None)
    assert (after.error.code if after.error else None) == (None if default else "expired")


def test_after_the_deadline_nobody_answers_any_more_but_a_pick_of_the_grid_is_an_order_of_its_own() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, question = ask_about(tx, setup)
    see_to(tx, setup, question.number, NOW + HOUR_MS)
    refused("question_over", tx, setup, question.job.id, 1)
    assert commands.pick(tx, setup, grid.job.id, 1, "api", NOW).number != question.number


def test_starts_reloads_and_freed_money_leave_a_question_alone() -> None:
    tx, setup = memory_transaction(), setup_asking()
    _, question = ask_about(tx, setup)
    judge_again(tx, setup, NOW + 1000)
    check_everything_open(tx, setup, NOW + 1000)
    tx.check_held_now(NOW + 1000)
    assert current(tx, question) == question
    assert tx.due_checks("journey", NOW + 1000, 10) == []


def test_many_questions_do_not_keep_freed_money_from_what_waits_for_it() -> None:
    tx, setup = memory_transaction(), setup_asking()
    for number in range(120):
        ask_about(tx, setup, f"grid-{number}")
    limits = Limits(budgets={"journey": Budget(amount=Decimal(0), unit="credits", per="total")})
    poor = setup_asking(limits=limits)
    wish = Submission(source="journey", action="imagine", params={"prompt": "a cat"})
    waiting = commands.submit(tx, poor, wish, NOW)
    assert waiting.job.hold is not None
    assert waiting.job.hold.reason == "budget"
    tx.check_held_now(NOW + 1000)
    assert current(tx, waiting).check_at == NOW + 1000


def test_a_deadline_that_passed_while_nothing_ran_is_carried_out_at_the_start() -> None:
    tx, setup = memory_transaction(), setup_asking(asking(default=4))
    _, question = ask_about(tx, setup)
    later = NOW + 5 * 24 * HOUR_MS
    check_everything_open(tx, setup, later)
    assert [kept.number for kept in tx.due_checks("journey", later, 10)] == [question.number]
    see_to(tx, setup, question.number, later)
    assert current(tx, question).job.params == {"index": 4}


def test_a_question_of_a_source_that_is_gone_ends_by_its_deadline_all_the_same() -> None:
    tx, setup = memory_transaction(), setup_asking(asking(default=4))
    _, question = ask_about(tx, setup)
    gone = Setup(sources={}, rules=())
    refused("source_gone", tx, gone, question.job.id, 1)
    see_to(tx, gone, question.number, NOW + HOUR_MS)
    after = current(tx, question).job
    assert (after.status, after.error.code if after.error else None) == ("failed", "unsupported")


# --- other words of a person -----------------------------------------------------------------------------------------


def test_resolve_send_takes_the_default_and_needs_one() -> None:
    tx, setup = memory_transaction(), setup_asking(asking(default=2))
    _, question = ask_about(tx, setup)
    sent = commands.resolve(tx, setup, question.job.id, "send", NOW)
    assert (sent.job.status, sent.job.params, sent.job.decided_by) == ("planned", {"index": 2}, "default")
    other = setup_asking()
    _, without = ask_about(tx, other, "grid-2")
    with pytest.raises(NotPossible) as caught:
        commands.resolve(tx, other, without.job.id, "send", NOW)
    assert caught.value.code == "no_default"
    assert current(tx, without) == without


def test_resolve_check_leaves_an_open_question_as_it_is_and_give_up_and_cancel_end_it() -> None:
    tx, setup = memory_transaction(), setup_asking()
    _, first = ask_about(tx, setup)
    assert commands.resolve(tx, setup, first.job.id, "check", NOW + 1) == first
    assert commands.resolve(tx, setup, first.job.id, "give-up", NOW + 1).job.status == "canceled"
    _, second = ask_about(tx, setup, "grid-2")
    assert commands.cancel(tx, setup, second, NOW + 1).job.status == "canceled"
    for question in (first, second):
        refused("question_over", tx, setup, question.job.id, 1)
        assert told(tx, question) == ["job.held", "job.canceled"]
        assert len(tx.deliveries(Filters(job=question.number, sink="team"))) == 2


def test_an_answer_that_does_not_fit_into_the_budget_is_held_for_it_and_told() -> None:
    limits = Limits(budgets={"journey": Budget(amount=Decimal(0), unit="credits", per="total")})
    tx, setup = memory_transaction(), setup_asking(limits=limits)
    grid, question = ask_about(tx, setup)
    held = commands.pick(tx, setup, grid.job.id, 2, "api", NOW)
    assert held.job.hold is not None
    assert (held.job.status, held.job.hold.reason, held.job.params) == ("held", "budget", {"index": 2})
    assert told(tx, question) == ["job.held", "job.held"]
    refused("already_answered", tx, setup, question.job.id, 1)
    assert commands.resolve(tx, setup, held.job.id, "send", NOW).job.status == "planned"


# --- what follows, and doubles ---------------------------------------------------------------------------------------


def test_what_follows_the_pick_is_ordered_once_it_completes() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, _ = ask_about(tx, setup)
    picked = commands.pick(tx, setup, grid.job.id, 2, "api", NOW)
    report_to(tx, setup, picked, a_report(provider_job_id="picked", images=four_images()[:1]), NOW)
    (hd,) = tx.jobs(Filters(action="upscale"))
    assert (hd.job.parent_id, hd.job.rule, hd.job.status, hd.job.decided_by) == (
        picked.job.id,
        "poster",
        "planned",
        None,
    )


@pytest.mark.parametrize("done_before", [False, True])
def test_two_questions_about_one_grid_that_choose_one_tile_order_it_once_and_both_chains_follow(
    done_before: bool,
) -> None:
    vary = Then(action="vary", params={"strength": "subtle"})
    tx, setup = memory_transaction(), setup_asking(asking("hd"), asking("wild", then=(vary,)))
    grid, _ = ask_about(tx, setup)
    first, second = open_questions(tx, grid)
    commands.pick(tx, setup, first.job.id, 2, "api", NOW)
    if done_before:
        report_to(tx, setup, current(tx, first), a_report(provider_job_id="picked", images=four_images()[:1]), NOW)
    assert commands.pick(tx, setup, second.job.id, 2, "slack:U1 Ada", NOW).number == first.number
    if not done_before:
        report_to(tx, setup, current(tx, first), a_report(provider_job_id="picked", images=four_images()[:1]), NOW)
    ended = current(tx, second)
    assert (ended.job.status, ended.replaced_by) == ("canceled", first.job.id)
    assert commands.pick(tx, setup, second.job.id, 2, "api", NOW).number == first.number
    refused("already_answered", tx, setup, second.job.id, 3)
    follow_ups = [kept.job.action for kept in tx.jobs(Filters(parent=first.number))]
    assert sorted(action or "" for action in follow_ups) == ["upscale", "vary"]


def test_a_repeated_pick_of_the_grid_never_answers_a_second_question() -> None:
    tx, setup = memory_transaction(), setup_asking(asking("hd"), asking("wild"))
    grid, _ = ask_about(tx, setup)
    first, second = open_questions(tx, grid)
    for _ in range(3):
        assert commands.pick(tx, setup, grid.job.id, 2, "api", NOW).number == first.number
    assert current(tx, second) == second


def test_where_a_tile_needs_no_call_the_answer_completes_it_at_once() -> None:
    from receiver.contracts import NoOptions
    from receiver.model.jobs import Report
    from receiver.providers.journeyapi import JourneyAPI

    class Local(JourneyAPI):
        def local(self, order: object) -> Report | None:
            return a_report(provider_job_id=None)

    source = a_source(provider=Local(NoOptions()))
    tx, setup = memory_transaction(), setup_asking(sources={"journey": source})
    grid, question = ask_about(tx, setup)
    done = commands.pick(tx, setup, grid.job.id, 2, "api", NOW)
    assert (done.job.status, done.job.decided_by, done.number) == ("completed", "api", question.number)
    assert told(tx, question) == ["job.held", "job.completed"]


def test_a_grid_that_cannot_be_picked_from_asks_nobody() -> None:
    after_pick = Rule(name="wrong", when={"type": "job.completed", "action": "pick"}, then=asking().then)
    tx, setup = memory_transaction(), setup_asking(after_pick)
    take(tx, PICKED, setup)
    assert [(kept.job.status, kept.job.error is not None) for kept in picks(tx)] == [
        ("completed", False),
        ("failed", True),
    ]


def test_the_answer_shows_at_the_sinks_that_were_asked_though_they_were_told_before() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, question = ask_about(tx, setup)
    (first,) = claim(tx, "sink:team", 5, NOW, NOW + 1000)
    commands.pick(tx, setup, grid.job.id, 2, "api", NOW)
    (again,) = claim(tx, "sink:team", 5, NOW, NOW + 1000)
    assert (again.event, again.job) == (first.event, question.number)
    asked = decode_event(tx.event(again.event or 0) or b"")
    assert isinstance(asked, Event)
    assert asked.data.hold is not None


def test_a_question_that_was_not_told_yet_is_not_told_twice() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, _ = ask_about(tx, setup)
    commands.pick(tx, setup, grid.job.id, 2, "api", NOW)
    assert len(tx.deliveries(Filters(sink="team"))) == 1


def test_sinks_that_are_gone_are_not_told() -> None:
    tx, setup = memory_transaction(), setup_asking(sinks=frozenset({"other"}))
    ask_about(tx, setup)
    assert tx.deliveries(Filters()) == []


# --- through the API's own orders -------------------------------------------------------------------------------------


def test_a_submission_may_carry_a_question_in_its_chain() -> None:
    tx, setup = memory_transaction(), setup_asking(Rule(name="none", when={"type": "job.unsure"}))
    then = {
        "action": "pick",
        "index": "ask",
        "ask": "team",
        "within": "2h",
        "default": 3,
        "then": {"action": "upscale"},
    }
    wish = Submission(source="journey", action="imagine", params={"prompt": "a cat"}, then=then)
    kept = commands.submit(tx, setup, wish, NOW)
    report_to(tx, setup, kept, a_report(images=four_images()), NOW)
    (question,) = open_questions(tx, current(tx, kept))
    assert question.job.hold is not None
    assert (question.job.hold.until, question.job.hold.default) == (stamp(NOW + 2 * HOUR_MS), 3)


@pytest.mark.parametrize(
    "then",
    [
        {"action": "pick", "index": "ask", "ask": "nobody"},
        {"action": "pick", "index": "ask", "ask": []},
        {"action": "pick", "index": "ask", "within": "soon"},
        {"action": "pick", "index": "ask", "default": 5},
        {"action": "vary", "index": "ask"},
        {"action": "pick", "index": 2, "within": "2h"},
        [{"action": "pick", "index": "ask"}, {"action": "pick", "index": "ask"}],
    ],
)
def test_a_submission_with_a_wrong_question_is_refused(then: object) -> None:
    tx, setup = memory_transaction(), setup_asking()
    wish = Submission(source="journey", action="imagine", params={"prompt": "a cat"}, then=then)  # type: ignore[arg-type]
    with pytest.raises(InvalidParams):
        commands.submit(tx, setup, wish, NOW)


def test_a_pick_of_what_is_not_there_is_told() -> None:
    tx, setup = memory_transaction(), setup_asking()
    with pytest.raises(NotFound):
        commands.pick(tx, setup, ids.show("job", 7), 1, "api", NOW)


def test_a_question_about_a_grid_that_goes_on_under_another_number_is_answered_there() -> None:
    tx, setup = memory_transaction(), setup_asking()
    wish = Submission(source="journey", action="imagine", params={"prompt": "a cat"})
    ours = commands.submit(tx, setup, wish, NOW)
    _, question = ask_about(tx, setup)
    report_to(tx, setup, ours, a_report("queued", "grid"), NOW)
    assert current(tx, ours).job.status == "completed"
    assert commands.pick(tx, setup, ours.job.id, 2, "api", NOW).number == question.number
    assert len(picks(tx)) == 1
