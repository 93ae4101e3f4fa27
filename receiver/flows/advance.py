"""Moves a job on and does what follows: the event, its deliveries, its follow-ups, all in one transaction."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from receiver.contracts import (
    Order,
    Source,
    Transaction,
)
from receiver.contracts.setup import Setup
from receiver.flows import budgets
from receiver.flows.budgets import hold_for
from receiver.flows.family import ancestors, as_parent
from receiver.flows.poll_times import archive_due_at, next_check
from receiver.flows.routing import routed
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.deliveries import (
    Delivery,
    order_lane,
    sink_lane,
)
from receiver.model.events import KeptEvent, change
from receiver.model.folding import fold, is_update
from receiver.model.jobs import (
    Hold,
    Job,
    JobError,
    KeptJob,
    NextAction,
    Then,
)
from receiver.model.questions import Question

#: Who decided what is no rule's doing, as intents have it: what anybody picks is the same pick.
PERSON: Final = "person:"
#: Types of events that something may follow.
RESULTS: Final = frozenset({"job.completed", "job.archived"})
_CANONICAL = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def advance(
    tx: Transaction,
    setup: Setup,
    before: KeptJob | None,
    after: KeptJob,
    now: int,
    *,
    request: int | None = None,
    attempt: int = 0,
) -> int:
    """Writes a job's new state and everything that follows from it; returns the number of events made.

    `before` is None for a job that was not known. `request` is the request that told of it, `attempt` the try that led
    to it. Nothing new makes no event and writes nothing.
    """
    if after is before:
        return 0
    source = setup.sources.get(after.job.source)
    updated = before is not None and is_update(before.job, after.job)
    if updated:
        after = msgspec.structs.replace(after, updates=after.updates + 1)
        attempt = after.updates
    if after.job.status == "completed" and (updated or not after.job.next_actions) and source is not None:
        after = after.with_job(next_actions=_next_actions(source, after))
    if before is not None and before.job.cost is not None and after.job.cost is None and source is not None:
        after = after.with_job(cost=source.price(after.job.action or "", after.job.params))  # a refund was taken back
    check_at = next_check(source, after, now)
    if check_at != after.check_at:
        after = msgspec.structs.replace(after, check_at=check_at)
    event = _tell(tx, before, after, now, request, attempt)
    if after.job.warning is not None and (before is None or before.job.warning is None):
        tx.count_warning(after.job.source, after.job.warning)
    # The job stands in its event, so that it is not written twice.
    (tx.put_job if before else tx.add_job)(after, event.number if event else None)
    budgets.update_cost(tx, before, after, source, now)
    if event is None:
        return 0
    send_on(tx, setup, after, event)
    return 1


def _tell(
    tx: Transaction, before: KeptJob | None, after: KeptJob, now: int, request: int | None, attempt: int
) -> KeptEvent | None:
    """Keeps the event that a change makes, if it makes one that the job does not have yet."""
    news = change(before.job if before else None, after.job, attempt)
    if news is None:
        return None
    kind, key = news
    event = KeptEvent(
        number=tx.ids.next(), job=after.number, type=kind, key=key, at=now, data=after.job, request=request
    )
    return event if tx.add_event(event) else None


def send_on(tx: Transaction, setup: Setup, kept: KeptJob, event: KeptEvent) -> None:
    """Plans what the rules say of an event that is kept: its deliveries, and what follows from a result."""
    found = routed(tx, event, setup)
    sinks = found.sinks
    if kept.question is not None and event.type != "job.progress":
        sinks = tuple(dict.fromkeys((*sinks, *asked_sinks(setup, kept.question))))
    archives = [sink for sink in sinks if sink in setup.archives]
    tx.add_deliveries(event, [sink_lane(sink) for sink in sinks if sink not in archives])
    if archives:
        tx.add_deliveries(event, [sink_lane(sink) for sink in archives], archive_due_at(setup, kept, event.at))
    if event.type not in RESULTS:
        return
    for rule, then in found.follow_ups:
        follow_up(tx, setup, kept, then, event.at, rule=rule)
    if event.type != "job.completed":
        return
    for then in kept.then:
        follow_up(tx, setup, kept, then, event.at, rule=kept.job.rule)


def asked_sinks(setup: Setup, question: Question) -> list[str]:
    """The sinks that show a question, as far as they are (still) configured."""
    return [sink for sink in question.sinks if sink in setup.sinks]


def follow_up(
    tx: Transaction,
    setup: Setup,
    parent: KeptJob,
    then: Then,
    now: int,
    *,
    rule: str | None,
    decided_by: str | None = None,
) -> KeptJob:
    """Plans what shall follow a completed job; the job that was planned for this intent before, if there is one.

    `decided_by` says who chose it; None: the rule, or the chain that the parent carries.
    """
    source = then.source or parent.job.source
    if then.ask is not None:
        intent = question_intent(parent, rule)
        known = tx.question_for(intent)
    else:
        intent = intent_of(parent, f"rule:{rule or ''}" if decided_by is None else PERSON, source, then)
        known = tx.job_for(intent)
    return known or plan(
        tx,
        setup,
        source=source,
        action=then.action,
        params=then.params,
        extra=then.extra,
        question=then.ask,
        decided_by=decided_by,
        then=then.then,
        intent=intent,
        parent=parent,
        rule=rule,
        tags=parent.job.tags,
        now=now,
    )


def question_intent(parent: KeptJob, rule: str | None) -> str:
    """What makes a question unique: the job that it is about, and the rule that asks it."""
    return f"{work_of(parent)}|rule:{rule or ''}|question"


def intent_of(parent: KeptJob, decision: str, source: str, then: Then) -> str:
    """What makes a follow-up unique: the parent, who decided, where, the action, its parameters and `extra`.

    The parent is named by the vendor's id where there is one, so that it is the same piece of work under any number.
    """
    # Without extra it is what it was before there was such a thing.
    ordered = [source, then.action, then.params, *([then.extra] if then.extra else [])]
    work_key = hashlib.sha256(_CANONICAL.encode(ordered)).hexdigest()[:32]
    return f"{work_of(parent)}|{decision}|{then.action}|{work_key}"


def work_of(parent: KeptJob) -> str:
    """The name of a piece of work, with which the intents of all that follows from it begin."""
    anchor = parent.job.provider_job_id
    return f"{parent.job.source}/{anchor}" if anchor else parent.job.id


def plan(
    tx: Transaction,
    setup: Setup,
    *,
    source: str,
    action: str,
    params: dict[str, Any],
    then: tuple[Then, ...],
    intent: str,
    parent: KeptJob | None,
    rule: str | None,
    tags: dict[str, str],
    now: int,
    extra: dict[str, Any] | None = None,
    question: Question | None = None,
    decided_by: str | None = None,
    submission_digest: str | None = None,
) -> KeptJob:
    """Keeps a new job and its order delivery. What the parent does not allow fails at once, without a call.

    An action that needs no call (a tile out of a grid) is completed at once, with all that follows. A question waits,
    with no order yet.
    """
    number = tx.ids.next()
    job_id = ids.show("job", number)
    account = setup.sources.get(source)
    kept = KeptJob(
        number=number,
        job=Job(
            id=job_id,
            source=source,
            provider=account.provider.name if account else "unknown",
            action=action,
            params=params,
            status="planned",
            parent_id=parent.job.id if parent else None,
            root_id=parent.job.root_id if parent else job_id,
            rule=rule,
            decided_by=decided_by,
            tags=tags,
            prompt=params.get("prompt") or (parent.job.prompt if parent else None),
            created_at=stamp(now),
        ),
        then=then,
        extra=extra or {},
        intent=intent,
        question=question,
        question_intent=intent if question is not None else None,
        submission_digest=submission_digest,
    )
    refusal = _refusal(account, kept, parent)
    if account is None or refusal is not None:
        error = JobError(code="unsupported", message=refusal or f"source {source!r} is not configured any more")
        advance(tx, setup, None, kept.with_job(status="failed", error=error, finished_at=stamp(now)), now)
    elif question is not None:
        advance(tx, setup, None, kept.with_job(status="held", hold=_pick_hold(question, now)), now)
    else:
        _begin(tx, setup, account, None, kept, now, forced=False)
    return tx.job(number) or kept


def _refusal(account: Source | None, kept: KeptJob, parent: KeptJob | None) -> str | None:
    if account is None:
        return None
    params = kept.job.params
    if kept.question is not None:
        params = {**params, "index": kept.question.default or 1}
    return account.provider.refusal(kept.job.action or "", params, as_parent(parent))


def _pick_hold(question: Question, now: int) -> Hold:
    until = stamp(now + int(question.within_s * 1000))
    return Hold(reason="pick", since=stamp(now), until=until, default=question.default, note=question.note)


def _begin(
    tx: Transaction, setup: Setup, account: Source, before: KeptJob | None, kept: KeptJob, now: int, *, forced: bool
) -> None:
    """Starts a job that is possible: at once if it needs no call, held if it must not be ordered yet, else ordered."""
    above = ancestors(tx, kept)
    far = None if forced else budgets.limit_hold(tx, setup.limits, kept, len(above), now)
    if far is not None:
        advance(tx, setup, before, kept.with_job(status="held", hold=far), now)
        return
    local = account.provider.local(Order(kept=kept, ancestors=above))
    if local is not None:
        advance(tx, setup, before, fold(kept.with_job(status="planned", hold=None), local, stamp(now)), now)
        return
    priced = kept.with_job(cost=account.price(kept.job.action or "", kept.job.params))
    hold = None if forced else hold_for(tx, setup, priced, now)
    if hold is not None:
        advance(tx, setup, before, priced.with_job(status="held", hold=hold), now)
        return
    _order(tx, account, before, priced, now)


def _order(tx: Transaction, account: Source, before: KeptJob | None, kept: KeptJob, now: int) -> None:
    planned = kept.with_job(status="planned", hold=None)
    (tx.put_job if before else tx.add_job)(msgspec.structs.replace(planned, check_at=None))
    budgets.reserve(tx, planned, account, now)
    earlier = tx.order_delivery(kept.number)
    if earlier is None:
        lane = order_lane(account.name)
        tx.add_delivery(Delivery(number=tx.ids.next(), lane=lane, job=kept.number, due_at=now))
    else:
        tx.put_delivery(msgspec.structs.replace(earlier, state="pending", due_at=now, base=earlier.attempt))


def release(tx: Transaction, setup: Setup, kept: KeptJob, now: int, *, forced: bool = False) -> None:
    """Orders a held job if nothing holds it any more. `forced`: by a person's word, whatever holds it."""
    account = setup.sources.get(kept.job.source)
    if kept.job.status == "held" and account is not None and not kept.is_open_question:
        _begin(tx, setup, account, kept, kept, now, forced=forced)


def order_answered(tx: Transaction, setup: Setup, question: KeptJob, answered: KeptJob, now: int) -> None:
    """Orders what a question has become: `answered` has its tile, and the intent of that pick."""
    _begin(tx, setup, setup.sources[question.job.source], question, answered, now, forced=False)


def send_again(tx: Transaction, setup: Setup, kept: KeptJob, now: int) -> None:
    """Orders an unsure job once more, by a person's word: it may be paid twice."""
    _order(tx, setup.sources[kept.job.source], kept, kept.with_job(error=None), now)


def _next_actions(source: Source, kept: KeptJob) -> tuple[NextAction, ...]:
    choices = tuple(source.provider.next_actions(kept))
    if not source.prices:
        return choices
    return tuple(msgspec.structs.replace(one, cost=source.price(one.action, one.params)) for one in choices)
