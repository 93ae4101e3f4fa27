"""Carries planned jobs to their vendors: at most one paid call per intent, whatever breaks on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
import structlog

from receiver import breakers, ids
from receiver.advance import Setup, advance, ancestors, breaker_hold, report_to
from receiver.backoff import next_wait
from receiver.contracts import Order, OrderSender, Source, Store, Transaction
from receiver.deliveries import (
    Accepted,
    Delivery,
    NotAccepted,
    OrderOutcome,
    Refused,
    Unclear,
    Withdrawn,
    order_lane,
)
from receiver.dispatch import Lane, Try
from receiver.jobs import ErrorCode, JobError, KeptJob, Status
from receiver.settling import given_back, settled, surely, word_of
from receiver.signatures import ref_of
from receiver.times import Clock, stamp

log = structlog.get_logger("dispatch")

#: Waits between tries of an order that certainly was not taken, seconds: some 9 hours in all.
RETRY: Final = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 3600.0, 7200.0, 14_400.0)
#: How long after the first sending an idempotency key is trusted, ms (Apiframe documents 24 hours).
KEY_LIFE: Final = 23 * 3600 * 1000
#: A free look and the paid call: what one try may take beside the source's timeout for each.
CALLS: Final = 3


class Broke(msgspec.Struct, frozen=True, kw_only=True):
    """A try that did not come to its end: what it means depends on whether `submitting` was committed."""

    note: str
    #: A shutdown is not a failed attempt.
    counted: bool = True


class HeldBack(msgspec.Struct, frozen=True, kw_only=True, tag="held"):
    """Not sent: the source's account refuses orders, so it waits for a probe to get through."""

    note: str = "the source's account refuses orders"
    status: int | None = None


class OrderCarrier:
    """Brings the planned jobs of one source to its vendor."""

    def __init__(
        self,
        store: Store,
        setup: Setup,
        source: Source,
        sender: OrderSender,
        public_url: str,
        clock: Clock,
        spread: Callable[[], float],
    ) -> None:
        self._store = store
        self._setup = setup
        self._source = source
        self._sender = sender
        self._public_url = public_url
        self._clock = clock
        self._spread = spread

    def lane(self) -> Lane:
        """The source's lane."""
        source = self._source
        return Lane(
            name=order_lane(source.name),
            concurrency=source.concurrency,
            timeout=source.timeout * CALLS,
            room=lambda tx: source.concurrency - tx.live(source.name),
            prepare=self.prepare,
        )

    def prepare(self, tx: Transaction, delivery: Delivery) -> Try:
        """Reads what is to be ordered; gives the try."""
        try:
            return partial(self.carry, delivery, self._order(tx, delivery))
        except Exception as wrong:  # noqa: BLE001  # what cannot be read must not fail a commit that others share
            return partial(self.carry, delivery, wrong)

    async def carry(self, delivery: Delivery, order: Order | HeldBack | Exception, freed: Callable[[], None]) -> None:
        """One try, settled. Interrupted before the paid call it is given back; during the call it is unsure."""
        started = self._clock()
        try:
            outcome = await self._try(order, delivery)
        except asyncio.CancelledError:
            outcome = Broke(note="the process was stopped", counted=False)
        except Exception as wrong:  # a provider may be anybody's code; what it means depends on how far the order was
            log.exception("order.broke", delivery_id=ids.show("dlv", delivery.number), source=self._source.name)
            outcome = Broke(note=f"the order broke: {type(wrong).__name__}")
        freed()
        await self._settle(delivery, outcome, started)

    def _order(self, tx: Transaction, delivery: Delivery) -> Order | HeldBack:
        """The order, unless the source's breaker opened while it waited."""
        kept = tx.job(delivery.job)
        if kept is None:
            raise LookupError("the delivery names a job that is not there")
        if held_back(tx, kept):
            return HeldBack()
        wanted = self._source.webhooks and self._source.provider.webhooks
        ref = ref_of(self._store.ref_key, self._source.name, kept.number)
        url = f"{self._public_url}/in/{self._source.name}/{ref}" if wanted else None
        order = Order(kept=kept, ancestors=ancestors(tx, kept), webhook_url=url)
        return msgspec.structs.replace(order, confirm=self._confirm_at(order.worked_on))

    def _confirm_at(self, result: KeptJob | None) -> Source | None:
        """Where a result is read back, if only an unsigned webhook told it."""
        if result is None or not result.facts.get("unproven"):
            return None
        source = self._setup.sources.get(result.job.source)
        return source if source is not None and source.confirm else None

    async def _try(self, order: Order | HeldBack | Exception, delivery: Delivery) -> OrderOutcome | Broke | HeldBack:
        if isinstance(order, HeldBack):
            return order
        if isinstance(order, Exception):
            raise order

        held = False

        async def begin() -> bool:
            nonlocal held
            held, ours = await self._store.write(lambda tx: self._begin(tx, delivery))
            return ours

        outcome = await self._sender.send(order, self._source, begin, self._clock)
        return HeldBack() if held else outcome

    def _begin(self, tx: Transaction, delivery: Delivery) -> tuple[bool, bool]:
        """Whether the breaker has opened since the order was claimed, and whether the order may be sent."""
        kept = tx.job(delivery.job)
        held = kept is not None and held_back(tx, kept)
        return held, not held and begin_order(tx, self._source, delivery, self._clock())

    async def _settle(self, delivery: Delivery, outcome: OrderOutcome | Broke | HeldBack, started: int) -> None:
        spread = self._spread()
        now = self._clock()
        settled_as, known, job = await surely(
            self._store, lambda tx: settle_order(tx, self._setup, delivery, outcome, started, now, spread)
        )
        log.info(
            "order.attempted",
            delivery_id=ids.show("dlv", delivery.number),
            job_id=ids.show("job", delivery.job),
            source=self._source.name,
            action=job.job.action if job else None,
            provider_job_id=job.job.provider_job_id if job else None,
            attempt=delivery.attempt,
            outcome=settled_as,
            status=known.status,
            note=known.note,
            job_status=job.job.status if job else None,
            took_ms=now - started,
        )


def begin_order(tx: Transaction, source: Source, delivery: Delivery, now: int) -> bool:
    """Commits `submitting` right before the paid call; False if the order is no longer this try's to send."""
    kept = tx.job(delivery.job)
    current = tx.delivery(delivery.number)
    if kept is None or current is None or (current.state, current.attempt) != ("running", delivery.attempt):
        return False
    if kept.job.status != "planned" and not may_repeat(kept, source, now):
        return False
    job = msgspec.structs.replace(kept.job, status="submitting", deadline=stamp(now + int(source.deadline * 1000)))
    facts = {"sent_at": now, **kept.facts}
    tx.put_job(msgspec.structs.replace(kept, job=job, facts=facts))
    return True


def may_repeat(kept: KeptJob, source: Source, now: int) -> bool:
    """Whether an unsure order may be sent again by itself: only with an idempotency key that still counts."""
    if kept.job.status != "unsure" or not source.provider.idempotent:
        return False
    return bool(now - kept.facts.get("sent_at", 0) < KEY_LIFE)


def settle_order(
    tx: Transaction,
    setup: Setup,
    delivery: Delivery,
    outcome: OrderOutcome | Broke | HeldBack,
    started: int,
    now: int,
    spread: float,
) -> tuple[str, OrderOutcome | HeldBack, KeptJob | None]:
    """Writes down what came of an order; gives the word for it, the outcome, and the job after it.

    A try that broke before `submitting` was committed sent nothing; after that its fate is not known. A webhook may
    have come first: then the job stays as the webhook told.
    """
    kept = tx.job(delivery.job)
    if isinstance(outcome, HeldBack):
        return _hold_back(tx, setup, delivery, kept, now), outcome, tx.job(delivery.job)
    known = _judged(tx, kept, outcome)
    if kept is None:
        return "fenced", known, None
    if isinstance(outcome, Broke) and not outcome.counted and kept.job.status != "submitting":
        return ("given_back" if tx.settle(delivery, given_back(delivery, now)) else "fenced"), known, kept
    after = _delivery_after(setup.sources[kept.job.source], kept, delivery, known, now, spread)
    if not settled(tx, delivery, after, known, word_of(known), started, now):
        return "fenced", known, kept
    _move_job(tx, setup, kept, known, after, delivery, now)
    return word_of(known), known, tx.job(delivery.job)


def held_back(tx: Transaction, kept: KeptJob) -> bool:
    """Whether an order must wait because its source's account refuses orders. What is unsure already does not."""
    return kept.job.status == "planned" and not kept.facts.get("probe") and tx.breaker(kept.job.source) is not None


def _hold_back(tx: Transaction, setup: Setup, delivery: Delivery, kept: KeptJob | None, now: int) -> str:
    waits = kept is not None and kept.job.status == "planned"
    # Meanwhile the breaker may have closed, and released all that was held: this one was not among them.
    again = given_back(delivery, now)
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
    facts = {name: fact for name, fact in kept.facts.items() if name != "probe"}
    job = msgspec.structs.replace(kept.job, status="held", hold=breaker_hold(breaker, now))
    advance(tx, setup, kept, msgspec.structs.replace(kept, job=job, facts=facts), now, attempt=attempt)


def _judged(tx: Transaction, kept: KeptJob | None, outcome: OrderOutcome | Broke) -> OrderOutcome:
    if isinstance(outcome, Broke):
        sent = kept is not None and kept.job.status == "submitting"
        return Unclear(note=outcome.note) if sent else NotAccepted(note=outcome.note)
    if kept is not None and isinstance(outcome, Accepted) and _taken_by_another(tx, kept, outcome):
        return Unclear(note="the vendor answered with the id of another job of ours", status=outcome.status)
    return outcome


def _taken_by_another(tx: Transaction, kept: KeptJob, outcome: Accepted) -> bool:
    known = outcome.report.provider_job_id
    other = tx.job_at(kept.job.source, known) if known is not None else None
    return other is not None and other.number != kept.number and other.ordered_by_us


def _delivery_after(
    source: Source, kept: KeptJob, delivery: Delivery, outcome: OrderOutcome, now: int, spread: float
) -> Delivery:
    again = isinstance(outcome, NotAccepted) or (
        isinstance(outcome, Unclear) and source.provider.idempotent and now - kept.facts.get("sent_at", now) < KEY_LIFE
    )
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
        _doubt(tx, setup, kept, delivery, now)
        return
    if isinstance(outcome, Refused):
        _refuse(tx, setup, kept, outcome.error, delivery, now)
    elif after.state == "dead":
        code: ErrorCode = "rate_limited" if outcome.status == 429 else "provider_error"
        _fail(tx, setup, kept, JobError(code=code, message=outcome.note, retryable=True), delivery, now)
    else:
        advance(tx, setup, kept, _with_status(kept, "unsure" if _was_unsure(kept) else "planned"), now)


def _refuse(tx: Transaction, setup: Setup, kept: KeptJob, error: JobError, delivery: Delivery, now: int) -> None:
    """A refused order fails. One that only probed an account in trouble goes back to waiting."""
    trouble = breakers.open_by(tx, kept.job.source, error, now)
    if trouble and kept.facts.get("probe") and not _was_unsure(kept):
        hold_by_breaker(tx, setup, kept, now, delivery.attempt)
    else:
        _fail(tx, setup, kept, error, delivery, now)


def _was_unsure(kept: KeptJob) -> bool:
    """Whether an earlier sending of the same key may have been taken: a later "not now" says nothing of that one."""
    return bool(kept.facts.get("unsure"))


def _with_status(kept: KeptJob, status: Status) -> KeptJob:
    if kept.job.status == status:
        return kept
    facts = {**kept.facts, "unsure": True} if status == "unsure" else kept.facts
    return msgspec.structs.replace(kept, job=msgspec.structs.replace(kept.job, status=status), facts=facts)


def _doubt(tx: Transaction, setup: Setup, kept: KeptJob, delivery: Delivery, now: int) -> None:
    idempotent = setup.sources[kept.job.source].provider.idempotent
    advance(tx, setup, kept, _with_status(kept, "unsure"), now, attempt=0 if idempotent else delivery.attempt)


def _fail(tx: Transaction, setup: Setup, kept: KeptJob, error: JobError, delivery: Delivery, now: int) -> None:
    """The order failed. What refuses it says nothing of an earlier sending that may have been taken: unsure, then."""
    if _was_unsure(kept) or kept.facts.get("twice"):
        _doubt(tx, setup, kept, delivery, now)
        return
    job = msgspec.structs.replace(kept.job, status="failed", error=error, finished_at=stamp(now))
    advance(tx, setup, kept, msgspec.structs.replace(kept, job=job), now)


def recover(tx: Transaction, setup: Setup, now: int) -> int:
    """Ends the leases of an earlier process; gives how many there were. Orders found `submitting` become unsure."""
    interrupted = tx.running()
    for delivery in interrupted:
        if delivery.is_order and delivery.name in setup.sources:
            settle_order(tx, setup, delivery, Broke(note="the process ended meanwhile", counted=False), now, now, 0.5)
        else:
            tx.settle(delivery, given_back(delivery, now))
    return len(interrupted)
