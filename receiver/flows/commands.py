"""What a person or a script asks for: submit, pick, redeliver."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from receiver.contracts import (
    Source,
    Transaction,
)
from receiver.contracts.setup import Setup
from receiver.errors import (
    NotFound,
    NotPossible,
)
from receiver.flows.advance import advance, follow_up, plan, release, send_again
from receiver.flows.asking.questions import (
    answer,
    open_questions,
    picked_before,
    see_to_deadline,
    show_about,
    take_default,
)
from receiver.flows.chains import read_action_params, read_then
from receiver.flows.family import as_parent, successor
from receiver.flows.poll_times import askable
from receiver.lib import ids
from receiver.lib.nearest import nearest
from receiver.lib.times import stamp
from receiver.model.actions import normalize
from receiver.model.deliveries import Delivery
from receiver.model.jobs import (
    TERMINAL,
    WAITING,
    JobError,
    KeptJob,
    Then,
)
from receiver.model.submissions import Decision, Submission, check_bounds

#: How an encoded submission without extra ends.
NO_EXTRA: Final = b',"extra":{}}'


def submit(
    tx: Transaction,
    setup: Setup,
    submission: Submission,
    now: int,
    idempotency_key: str | None = None,
    *,
    by: str | None = None,
) -> KeptJob:
    """Plans a job; the same Idempotency-Key returns the same job again. `by` says who ordered, as `decided_by` does.

    Raises NotFound (source, parent), InvalidParams (OutOfBounds too), NotPossible (this parent cannot be followed like
    that, or the key was used for something else).
    """
    check_bounds(submission, idempotency_key)
    intent, wanted = _intent(tx, submission, idempotency_key)
    known = tx.job_for(intent)
    if known is not None:
        if known.submission_digest != wanted:
            raise NotPossible("idempotency_conflict", "this Idempotency-Key was used for another order")
        return known
    if submission.source not in setup.sources:
        meant = nearest(submission.source, sorted(setup.sources))
        raise NotFound(f"there is no source {submission.source!r}: {meant}")
    params = read_action_params(setup.sources[submission.source], submission.action, submission.params)
    then = read_then(setup, submission.then, submission.source, submission.action)
    parent = _parent(tx, submission.parent_id)
    _check(setup, submission.source, submission.action, params, parent)
    return plan(
        tx,
        setup,
        source=submission.source,
        action=submission.action,
        params=params,
        then=then,
        intent=intent,
        parent=parent,
        rule=None,
        tags=submission.tags,
        now=now,
        extra=submission.extra,
        decided_by=by,
        submission_digest=wanted,
    )


def _intent(tx: Transaction, submission: Submission, key: str | None) -> tuple[str, str]:
    encoded = msgspec.json.encode(submission, order="deterministic")
    # Without extra it is what it was before there was such a thing.
    encoded = encoded if submission.extra else encoded.replace(NO_EXTRA, b"}")
    wanted = hashlib.sha256(encoded).hexdigest()[:32]
    if key is None:
        return f"submission:{tx.ids.next()}", wanted
    return f"key:{key}", wanted


def pick(tx: Transaction, setup: Setup, job_id: str, index: object, by: str, now: int) -> KeptJob:
    """Plans the pick of a tile of a completed grid; the same tile again returns the same job.

    If the grid has an open question, this answers it; `job_id` may be the question's own. `by` says who picks, as
    `decided_by` tells it. Raises NotFound, InvalidParams, NotPossible.
    """
    asked = job_of(tx, job_id)
    if asked.question is not None:
        return answer(tx, setup, asked, index, by, now)
    parent = _completed(tx, job_id)
    params = normalize("pick", {"index": index})
    known = picked_before(tx, parent, params)
    if known is not None:
        return known
    questions = open_questions(tx, parent)
    return (
        answer(tx, setup, questions[0], index, by, now)
        if questions
        else order_from(tx, setup, parent, "pick", params, by, now)
    )


def order_from(
    tx: Transaction, setup: Setup, parent: KeptJob, action: str, params: dict[str, Any], by: str, now: int
) -> KeptJob:
    """Plans what a person chose to follow a completed job, whatever question is open; the same again is the same job.

    Raises NotPossible.
    """
    kept = _completed(tx, parent.job.id)
    source = kept.job.source
    if source not in setup.sources:
        raise NotPossible("source_gone", f"source {source!r} is not configured any more")
    _check(setup, source, action, params, kept)
    ordered = follow_up(tx, setup, kept, Then(action=action, params=params), now, rule=None, decided_by=by)
    if action == "pick":
        show_about(tx, setup, kept, now)
    return ordered


def resolve(tx: Transaction, setup: Setup, job_id: str, decision: Decision, now: int) -> KeptJob:
    """A person's word on a job that is unsure or held, or that nothing is heard of.

    `check`: ask the vendor now (a hold is judged anew). `send`: order it (again), whatever holds it and though it may
    be paid twice; of a question its default. `give-up`: failed if it may have been ordered (a late result still
    completes it), else canceled.
    Raises NotFound, NotPossible.
    """
    kept = job_of(tx, job_id)
    source = setup.sources.get(kept.job.source)
    if source is None:
        raise NotPossible("source_gone", f"source {kept.job.source!r} is not configured any more")
    if decision == "check":
        _check_now(tx, setup, source, kept, now)
    elif decision == "send":
        _send(tx, setup, kept, now)
    else:
        _give_up(tx, setup, kept, now)
    return job_of(tx, job_id)


def _check_now(tx: Transaction, setup: Setup, source: Source, kept: KeptJob, now: int) -> None:
    if kept.is_open_question:
        see_to_deadline(tx, setup, kept, now)
    elif kept.job.status == "held":
        release(tx, setup, kept, now)
    elif kept.job.status in ("queued", "running", "unsure") and askable(source, kept):
        tx.put_job(msgspec.structs.replace(kept, check_at=now))
    elif kept.job.status == "unsure":
        raise NotPossible("cannot_ask", f"{source.name} cannot be asked: the vendor's id of this job is not known")
    else:
        raise NotPossible("not_open", f"job {kept.job.id} is {kept.job.status}: there is nothing to check")


def _send(tx: Transaction, setup: Setup, kept: KeptJob, now: int) -> None:
    if kept.job.status not in ("held", "unsure"):
        raise NotPossible("not_waiting", f"job {kept.job.id} is {kept.job.status}: only held and unsure jobs are sent")
    if kept.is_open_question:
        take_default(tx, setup, kept, now)
        return
    anew = msgspec.structs.replace(
        kept,
        is_probe=True,
        was_unsure=False,
        sent_twice=kept.job.status == "unsure" or kept.sent_twice,
        first_sent_at=None,
    )
    if kept.job.status == "held":
        release(tx, setup, anew, now, forced=True)
    else:
        send_again(tx, setup, anew, now)


def _give_up(tx: Transaction, setup: Setup, kept: KeptJob, now: int) -> None:
    if kept.job.status in TERMINAL:
        raise NotPossible("not_open", f"job {kept.job.id} is {kept.job.status} already")
    if kept.job.status in WAITING and not kept.sent_twice:
        cancel(tx, setup, kept, now)
        return
    error = JobError(code="provider_error", message="given up by a person")
    job = msgspec.structs.replace(kept.job, status="failed", hold=None, error=error, finished_at=stamp(now))
    advance(tx, setup, kept, msgspec.structs.replace(kept, job=job, gave_up=True), now)


def cancel(tx: Transaction, setup: Setup, kept: KeptJob, now: int) -> KeptJob:
    """Cancels a job: at once if it was not ordered yet, else the vendor is asked to stop it, where it can be.

    Raises NotPossible.
    """
    if kept.job.status not in WAITING:
        return _cancel_at_vendor(tx, setup, kept, now)
    if kept.sent_twice:
        _give_up(tx, setup, kept, now)
        return job_of(tx, kept.job.id)
    error = JobError(code="canceled", message="canceled before it was ordered")
    job = msgspec.structs.replace(kept.job, status="canceled", hold=None, error=error, finished_at=stamp(now))
    advance(tx, setup, kept, msgspec.structs.replace(kept, job=job), now)
    return job_of(tx, kept.job.id)


def _cancel_at_vendor(tx: Transaction, setup: Setup, kept: KeptJob, now: int) -> KeptJob:
    source = setup.sources.get(kept.job.source)
    if kept.job.status not in ("queued", "running"):
        raise NotPossible("not_open", f"job {kept.job.id} is {kept.job.status}: it cannot be canceled")
    if source is None or not askable(source, kept) or source.provider.cancel(kept, source) is None:
        raise NotPossible("cannot_cancel", f"{kept.job.provider} has no way to stop a job that it has taken")
    wanted = msgspec.structs.replace(kept, cancel_wanted=True, check_at=now)
    tx.put_job(wanted)
    return wanted


def job_of(tx: Transaction, job_id: str) -> KeptJob:
    """A job by its outside id. Raises NotFound."""
    number = ids.read("job", job_id)
    kept = tx.job(number) if number is not None else None
    if kept is None:
        raise NotFound(f"there is no job {job_id[:40]!r}")
    return kept


def _parent(tx: Transaction, parent_id: str | None) -> KeptJob | None:
    return None if parent_id is None else _completed(tx, parent_id)


def _completed(tx: Transaction, job_id: str) -> KeptJob:
    """A job that can be followed up on: it is completed, or its vendor waits for a second step."""
    kept = successor(tx, job_of(tx, job_id))
    if kept.job.status != "completed" and not kept.awaits_step:
        raise NotPossible("parent_not_completed", f"job {job_id} is {kept.job.status}, not completed")
    return kept


def _check(setup: Setup, source: str, action: str, params: dict[str, Any], parent: KeptJob | None) -> None:
    account = setup.sources[source]
    refusal = account.provider.refusal(action, params, as_parent(parent))
    if refusal is not None:
        raise NotPossible("unsupported", refusal)
    if account.api_key is None:
        raise NotPossible("no_api_key", f"source {source!r} has no api_key: it only receives")


def redeliver(tx: Transaction, setup: Setup, delivery_id: str, now: int) -> Delivery:
    """Sends a finished or dead delivery to its sink again.

    Raises NotFound, and NotPossible for an order, for what is on its way right now, and where the sink is gone.
    """
    delivery = _delivery_of(tx, delivery_id)
    if delivery.is_order:
        raise NotPossible("order", "an order is not redelivered: it would be paid again; submit a new job instead")
    if delivery.state == "running":
        raise NotPossible("running", "the delivery is on its way right now")
    if delivery.name not in setup.sinks:
        raise NotPossible("sink_gone", f"sink {delivery.name!r} is not configured any more")
    again = msgspec.structs.replace(delivery, state="pending", due_at=now, base=delivery.attempt)
    tx.put_delivery(again)
    return again


def leave(tx: Transaction, delivery_id: str, now: int) -> Delivery:
    """A person has seen a dead letter: it is out of their inbox, and can still be redelivered.

    Raises NotFound, and NotPossible for what is not dead.
    """
    delivery = _delivery_of(tx, delivery_id)
    if delivery.state != "dead":
        raise NotPossible("not_dead", f"the delivery is {delivery.state}: only what was given up can be left")
    if tx.left_at(delivery.number) is None:
        tx.leave(delivery.number, now)
    return delivery


def _delivery_of(tx: Transaction, delivery_id: str) -> Delivery:
    number = ids.read("dlv", delivery_id)
    delivery = tx.delivery(number) if number is not None else None
    if delivery is None:
        raise NotFound(f"there is no delivery {delivery_id[:40]!r}")
    return delivery
