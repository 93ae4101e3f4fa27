"""What comes of an order: the state it is in before its paid call, and its job and delivery after a try.

Everything here runs within a transaction; `receiver/workers/orders.py` does what lies between two of them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from receiver.contracts import Source, Transaction
from receiver.contracts.setup import Setup
from receiver.flows import breakers
from receiver.flows.advance import advance
from receiver.flows.budgets import breaker_hold
from receiver.flows.destinations import hold_back
from receiver.flows.reports import report_to
from receiver.lib.backoff import next_wait
from receiver.lib.times import stamp
from receiver.model.deliveries import (
    Accepted,
    Delivery,
    Interrupted,
    NotAccepted,
    OrderOutcome,
    Postponed,
    Refused,
    Unclear,
    Withdrawn,
)
from receiver.model.jobs import (
    ErrorCode,
    JobError,
    KeptJob,
    Status,
)
from receiver.workers.settlement import (
    outcome_name,
    returned_unused,
    settle_try,
)

#: Waits between tries of an order that certainly was not taken, seconds: some 9 hours in all.
RETRY: Final = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 3600.0, 7200.0, 14_400.0)
#: How long after the first sending an idempotency key is trusted, ms (Apiframe documents 24 hours).
KEY_LIFE: Final = 23 * 3600 * 1000


def begin_order(tx: Transaction, source: Source, delivery: Delivery, now: int) -> bool:
    """Commits `submitting` right before the paid call; False if the order is no longer this try's to send."""
    kept = tx.job(delivery.job)
    current = tx.delivery(delivery.number)
    if kept is None or current is None or (current.state, current.attempt) != ("running", delivery.attempt):
        return False
    if kept.job.status != "planned" and not may_repeat(kept, source, now):
        return False
    job = msgspec.structs.replace(kept.job, status="submitting", deadline=stamp(now + int(source.deadline * 1000)))
    first = now if kept.first_sent_at is None else kept.first_sent_at
    tx.put_job(msgspec.structs.replace(kept, job=job, first_sent_at=first))
    return True


def may_repeat(kept: KeptJob, source: Source, now: int) -> bool:
    """Whether an unsure order may be sent again by itself: only with an idempotency key that still counts."""
    if kept.job.status != "unsure" or not source.honours_key(kept.job.action):
        return False
    return kept.first_sent_at is not None and now - kept.first_sent_at < KEY_LIFE


class SettledOrder(NamedTuple):
    """What was written of one try of an order."""

    #: The outcome's name, or `given_back`, `held`, or `fenced`: it was no longer this try's to say.
    name: str
    outcome: OrderOutcome | Postponed
    #: The job after it; None if it is gone.
    job: KeptJob | None


def settle_order(
    tx: Transaction,
    setup: Setup,
    delivery: Delivery,
    outcome: OrderOutcome | Interrupted | Postponed,
    started: int,
    now: int,
    spread: float,
) -> SettledOrder:
    """Writes down what came of an order, and moves its job on; `started` and `now` are Unix ms, `spread` in [0, 1).

    A try that broke before `submitting` was committed sent nothing; after that its fate is not known. A webhook may
    have come first: then the job stays as the webhook told.
    """
    kept = tx.job(delivery.job)
    if isinstance(outcome, Postponed):
        return SettledOrder(_hold_back(tx, setup, delivery, kept, now), outcome, tx.job(delivery.job))
    known = _judged(tx, kept, outcome)
    if kept is None:
        return SettledOrder("fenced", known, None)
    if isinstance(outcome, Interrupted) and not outcome.counted and kept.job.status != "submitting":
        returned = tx.settle(delivery, returned_unused(delivery, now))
        return SettledOrder("given_back" if returned else "fenced", known, kept)
    after = _delivery_after(_honours_key(setup, kept), kept, delivery, known, now, spread)
    if not settle_try(tx, delivery, after, known, outcome_name(known), started, now):
        if isinstance(known, Accepted):  # whoever goes on with it: this is proof of what the vendor has
            report_to(tx, setup, kept, known.report, now)
        return SettledOrder("fenced", known, tx.job(delivery.job))
    if isinstance(known, NotAccepted):
        hold_back(tx, delivery.lane, known.after, now)
    _move_job(tx, setup, kept, known, after, delivery, now)
    return SettledOrder(outcome_name(known), known, tx.job(delivery.job))


def held_back(tx: Transaction, kept: KeptJob) -> bool:
    """Whether an order must wait because its source's account refuses orders. What is unsure already does not."""
    return kept.job.status == "planned" and not kept.is_probe and tx.breaker(kept.job.source) is not None


def _hold_back(tx: Transaction, setup: Setup, delivery: Delivery, kept: KeptJob | None, now: int) -> str:
    waits = kept is not None and kept.job.status == "planned"
    # Meanwhile the breaker may have closed, and released all that was held: this one was not among them.
    again = returned_unused(delivery, now)
    go_on = waits and tx.breaker(delivery.name) is None
    if kept is None or not tx.settle(delivery, again if go_on else msgspec.structs.replace(again, state="done")):
        return "fenced"
    if go_on:
        return "given_back"
    if waits:
        hold_by_breaker(tx, setup, kept, now, delivery.attempt)
    return "held"


def hold_by_breaker(tx: Transaction, setup: Setup, kept: KeptJob, now: int, attempt: int) -> None:
    """Holds an order until its source's account takes orders again."""
    breaker = tx.breaker(kept.job.source)
    if breaker is None:
        return
    job = msgspec.structs.replace(kept.job, status="held", hold=breaker_hold(breaker, now))
    advance(tx, setup, kept, msgspec.structs.replace(kept, job=job, is_probe=False), now, attempt=attempt)


def _judged(tx: Transaction, kept: KeptJob | None, outcome: OrderOutcome | Interrupted) -> OrderOutcome:
    if isinstance(outcome, Interrupted):
        sent = kept is not None and kept.job.status == "submitting"
        return Unclear(note=outcome.note) if sent else NotAccepted(note=outcome.note)
    if kept is not None and isinstance(outcome, Accepted) and _taken_by_another(tx, kept, outcome):
        return Unclear(note="the vendor answered with the id of another job of ours", status=outcome.status)
    return outcome


def _taken_by_another(tx: Transaction, kept: KeptJob, outcome: Accepted) -> bool:
    known = outcome.report.provider_job_id
    other = tx.job_at(kept.job.source, known) if known is not None else None
    return other is not None and other.number != kept.number and other.ordered_by_us


def _honours_key(setup: Setup, kept: KeptJob) -> bool:
    """Whether the same order may be sent again; of a source that is not configured any more it is not known."""
    source = setup.sources.get(kept.job.source)
    return source is not None and source.honours_key(kept.job.action)


def _delivery_after(
    honours_key: bool, kept: KeptJob, delivery: Delivery, outcome: OrderOutcome, now: int, spread: float
) -> Delivery:
    key_counts = kept.first_sent_at is None or now - kept.first_sent_at < KEY_LIFE
    again = isinstance(outcome, NotAccepted) or (isinstance(outcome, Unclear) and honours_key and key_counts)
    if not again or kept.job.status not in ("planned", "submitting", "unsure"):
        return msgspec.structs.replace(delivery, state="done")
    asked = outcome.after if isinstance(outcome, NotAccepted) else None
    wait = next_wait(RETRY, delivery.attempt - delivery.base, spread, asked)
    if wait is None:
        return msgspec.structs.replace(delivery, state="dead")
    return msgspec.structs.replace(delivery, state="pending", due_at=now + int(wait * 1000))


def _move_job(
    tx: Transaction,
    setup: Setup,
    kept: KeptJob,
    outcome: OrderOutcome,
    after: Delivery,
    delivery: Delivery,
    now: int,
) -> None:
    if isinstance(outcome, Accepted):
        report_to(tx, setup, kept, outcome.report, now)
        breakers.close(tx, setup, kept.job.source, now)
        return
    if kept.job.status not in ("planned", "submitting", "unsure") or isinstance(outcome, Withdrawn):
        return
    if isinstance(outcome, Unclear):
        _doubt(tx, setup, kept, outcome.note, "provider_error" if outcome.status else "provider_timeout", delivery, now)
        return
    if isinstance(outcome, Refused):
        _refuse(tx, setup, kept, outcome.error, delivery, now)
    elif after.state == "dead":
        code: ErrorCode = "rate_limited" if outcome.status == 429 else "provider_error"
        _fail(tx, setup, kept, JobError(code=code, message=outcome.note, retryable=True), delivery, now)
    else:
        advance(tx, setup, kept, _with_status(kept, "unsure" if kept.was_unsure else "planned"), now)


def _refuse(tx: Transaction, setup: Setup, kept: KeptJob, error: JobError, delivery: Delivery, now: int) -> None:
    """A refused order fails. One that only probed an account in trouble goes back to waiting."""
    trouble = breakers.open_by(tx, setup, kept.job.source, error, now)
    if trouble and kept.is_probe and not kept.was_unsure:
        hold_by_breaker(tx, setup, kept, now, delivery.attempt)
    else:
        _fail(tx, setup, kept, error, delivery, now)


def _with_status(kept: KeptJob, status: Status) -> KeptJob:
    if kept.job.status == status:
        return kept
    was_unsure = kept.was_unsure or status == "unsure"
    return msgspec.structs.replace(kept.with_job(status=status), was_unsure=was_unsure)


def _doubt(
    tx: Transaction, setup: Setup, kept: KeptJob, why: str, code: ErrorCode, delivery: Delivery, now: int
) -> None:
    """The job is unsure, and its error says why until that is settled."""
    error = JobError(code=code, message=f"it is not known whether {kept.job.source} took the order: {why}")
    unsure = _with_status(kept, "unsure").with_job(error=error)
    advance(tx, setup, kept, unsure, now, attempt=0 if _honours_key(setup, kept) else delivery.attempt)


def _fail(tx: Transaction, setup: Setup, kept: KeptJob, error: JobError, delivery: Delivery, now: int) -> None:
    """The order failed. What refuses it says nothing of an earlier sending that may have been taken: unsure, then."""
    if kept.was_unsure or kept.sent_twice:
        why = f"an earlier sending may have been taken, whatever came of the last one ({error.message})"
        _doubt(tx, setup, kept, why, "provider_error", delivery, now)
        return
    job = msgspec.structs.replace(kept.job, status="failed", error=error, finished_at=stamp(now))
    advance(tx, setup, kept, msgspec.structs.replace(kept, job=job), now)


def recover(tx: Transaction, setup: Setup, now: int) -> int:
    """Ends the leases of dispatchers that are gone; returns how many. Orders found `submitting` become unsure.

    To be called by a process that dispatches, as often as it likes: what it carries out itself is left alone.
    """
    lost = tx.lost(now)
    for delivery in lost:
        if delivery.is_order:
            settle_order(
                tx, setup, delivery, Interrupted(note="the process ended meanwhile", counted=False), now, now, 0.5
            )
        else:
            tx.settle(delivery, returned_unused(delivery, now))
    return len(lost)
