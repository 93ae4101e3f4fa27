"""Questions: the first valid answer, from anywhere, orders the pick; a deadline that passes does what was said."""

from __future__ import annotations

import msgspec

from receiver.contracts import Filters, Transaction
from receiver.contracts.setup import Setup
from receiver.errors import NotPossible
from receiver.flows.advance import PERSON, advance, asked_sinks, follow_up, intent_of, order_answered, work_of
from receiver.flows.family import ancestors, as_parent, successor
from receiver.lib import ids
from receiver.lib.times import stamp, unstamp
from receiver.model.actions import Params, normalize
from receiver.model.deliveries import Delivery, sink_lane
from receiver.model.jobs import TERMINAL, JobError, KeptJob, Then
from receiver.model.questions import BY_DEFAULT, name_of


def picked_before(tx: Transaction, grid: KeptJob, params: Params) -> KeptJob | None:
    """The job of this tile's pick by a person, if there is one: by whomever, it is the same job."""
    return tx.job_for(_pick_intent(grid, params))


def open_questions(tx: Transaction, grid: KeptJob) -> list[KeptJob]:
    """The questions about a grid that nobody has answered yet, oldest first."""
    return [kept for kept in questions_about(tx, grid) if kept.is_open_question]


def questions_about(tx: Transaction, grid: KeptJob) -> list[KeptJob]:
    """Every question that was ever asked about a grid, oldest first."""
    # By our id too: it may have been asked before the vendor's was known.
    names = dict.fromkeys((work_of(grid), grid.job.id))
    return [kept for name in names for kept in tx.questions_about(name)]


def answer(tx: Transaction, setup: Setup, question: KeptJob, index: object, by: str, now: int) -> KeptJob:
    """Answers a question with a tile (1-4), and orders that; the same tile again returns the same job.

    `by` says who answered, as `decided_by` tells it. Raises InvalidParams, and NotPossible: `already_answered` with
    another tile, `question_over` without an answer, `unsupported` or `source_gone`.
    """
    params = normalize("pick", {"index": index})
    if not question.is_open_question:
        return _answered_before(tx, question, params)
    account = setup.sources.get(question.job.source)
    if account is None:
        raise NotPossible("source_gone", f"source {question.job.source!r} is not configured any more")
    above = ancestors(tx, question)
    if not above:
        raise NotPossible("parent_gone", f"the grid of {question.job.id} is not here any more")
    refusal = account.provider.refusal("pick", params, as_parent(above[0]))
    if refusal is not None:
        raise NotPossible("unsupported", refusal)
    chosen = question.with_job(params=params, decided_by=by)
    other = picked_before(tx, above[0], params)
    if other is not None:
        return _go_on_as(tx, setup, question, chosen, other, now)
    answered = msgspec.structs.replace(chosen, intent=_pick_intent(above[0], params))
    order_answered(tx, setup, question, answered, now)
    show_again(tx, setup, question, now)
    return tx.job(question.number) or answered


def _pick_intent(grid: KeptJob, params: Params) -> str:
    return intent_of(grid, PERSON, grid.job.source, Then(action="pick", params=params))


def _answered_before(tx: Transaction, question: KeptJob, params: Params) -> KeptJob:
    job = question.job
    if job.params == params:
        return successor(tx, question)
    if "index" not in job.params:
        raise NotPossible("question_over", f"{job.id} is {job.status}: nobody can answer it any more")
    words = f"tile {job.params['index']} was picked already, by {name_of(job.decided_by)}"
    raise NotPossible("already_answered", words)


def _go_on_as(tx: Transaction, setup: Setup, question: KeptJob, chosen: KeptJob, other: KeptJob, now: int) -> KeptJob:
    """Ends a question whose tile is ordered already: what was to follow from it follows from that pick."""
    words = f"tile {chosen.job.params['index']} was picked already: it goes on as {other.job.id}"
    error = JobError(code="canceled", message=words)
    ended = chosen.with_job(status="canceled", hold=None, error=error, finished_at=stamp(now))
    advance(tx, setup, question, msgspec.structs.replace(ended, replaced_by=other.job.id), now)
    if other.job.status == "completed":
        for then in question.then:
            follow_up(tx, setup, other, then, now, rule=question.job.rule)
    elif other.job.status not in TERMINAL:
        tx.put_job(msgspec.structs.replace(other, then=(*other.then, *question.then)))
    return other


def take_default(tx: Transaction, setup: Setup, question: KeptJob, now: int) -> KeptJob:
    """Answers an open question with its default, as if its deadline had passed. Raises NotPossible."""
    if question.question is None or question.question.default is None:
        raise NotPossible("no_default", f"{question.job.id} has no default: pick a tile, or give it up")
    return answer(tx, setup, question, question.question.default, BY_DEFAULT, now)


def see_to_deadline(tx: Transaction, setup: Setup, question: KeptJob, now: int) -> None:
    """Does what was said for the case that nobody answers an open question, once its deadline has passed."""
    hold = question.job.hold
    until = unstamp(hold.until) if hold is not None and hold.until is not None else now
    if until > now:
        tx.check_job_at(question.number, until)
        return
    if hold is None or hold.default is None:
        error = JobError(code="expired", message=f"nobody picked a tile until {stamp(until)}")
        _end(tx, setup, question.with_job(status="canceled", error=error), now)
        return
    try:
        take_default(tx, setup, question, now)
    except NotPossible as wrong:
        _end(tx, setup, question.with_job(status="failed", error=JobError(code="unsupported", message=str(wrong))), now)


def _end(tx: Transaction, setup: Setup, ended: KeptJob, now: int) -> None:
    question = tx.job(ended.number)
    advance(tx, setup, question, ended.with_job(hold=None, finished_at=stamp(now)), now)


def show_again(tx: Transaction, setup: Setup, question: KeptJob, now: int) -> None:
    """Has the sinks that were asked show the question as it is now: its event is delivered to them once more."""
    told = tx.events(Filters(job=question.number, type="job.held"))
    if question.question is None or not told:
        return
    event = ids.read("evt", msgspec.json.decode(told[-1], type=_Named).id)
    for sink in asked_sinks(setup, question.question):
        if not tx.deliveries(Filters(job=question.number, sink=sink, status="pending", limit=1)):
            number = tx.ids.next()
            tx.add_delivery(Delivery(number=number, lane=sink_lane(sink), job=question.number, event=event, due_at=now))


def show_about(tx: Transaction, setup: Setup, grid: KeptJob, now: int) -> None:
    """Has every message about a grid that was asked show what is left of it."""
    for kept in questions_about(tx, grid):
        show_again(tx, setup, kept, now)


class _Named(msgspec.Struct):
    """Of an event only its id."""

    id: str
