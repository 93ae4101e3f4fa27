"""Carries events to sinks: one try, its outcome settled, the next one scheduled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import structlog

from receiver.contracts import (
    DeliveryContext,
    ForeignClient,
    Sink,
    Store,
    Transaction,
    Transport,
    has_buttons,
    shows_families,
)
from receiver.contracts.counts import AttemptObserver
from receiver.contracts.setup import Setup
from receiver.errors import TransportError
from receiver.flows.archiving import as_shown, keep_copies, tell_archive_failed
from receiver.flows.asking.buttons import job_buttons, shown_question
from receiver.flows.destinations import closed_until, end_probe, judge_sink
from receiver.flows.family import ancestors
from receiver.flows.operator.operator_events import tell_operator
from receiver.lib import ids
from receiver.lib.backoff import next_wait
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    Delivery,
    Outcome,
    OutgoingEvent,
)
from receiver.model.events import Event, OperatorData, decode_event
from receiver.model.inline_pictures import INLINE
from receiver.model.jobs import Job
from receiver.workers.dispatcher import Lane, Try
from receiver.workers.settlement import (
    attempt_of,
    is_shutdown,
    outcome_name,
    returned_unused,
    settle_try,
    write_until_kept,
)
from receiver.workers.settling import EndedTry, Settler
from receiver.workers.short_answers import ShortAnswers

log = structlog.get_logger("dispatch")

MAX_STATUS: Final = 999
_ENCODER: Final = msgspec.json.Encoder()
_OUTCOME: Final[msgspec.json.Decoder[Outcome]] = msgspec.json.Decoder(Delivered | Again | Dead)


class SinkCarrier:
    """Brings events to one sink."""

    def __init__(
        self,
        store: Store,
        settler: Settler,
        setup: Setup,
        sink: Sink,
        transport: Transport,
        clock: Clock,
        spread: Callable[[], float],
        *,
        foreign: ForeignClient,
        folder: Path = Path(),
        observers: Sequence[AttemptObserver] = (),
    ) -> None:
        """`folder` is where relative paths of the configuration start; `observers` are told of every try."""
        self._observers = observers
        self._store = store
        self._settler = settler
        self._setup = setup
        self._sink = sink
        self._has_buttons = has_buttons(sink.handler)
        self._shows_families = shows_families(sink.handler)
        self._context = DeliveryContext(
            transport=ShortAnswers(transport),
            foreign=foreign,
            sink=sink.name,
            folder=folder,
            clock=clock,
            timeout=sink.timeout,
        )
        self._clock = clock
        self._spread = spread

    def lane(self, name: str) -> Lane:
        """The sink's lane."""
        sink = self._sink
        return Lane(
            name=name,
            concurrency=sink.concurrency,
            timeout=sink.timeout,
            rate=sink.rate,
            prepare=self.prepare,
            take_back=self.take_back,
        )

    def prepare(self, tx: Transaction, delivery: Delivery) -> Try:
        """Reads what is to be delivered; returns the try."""
        try:
            outgoing = outgoing_event(tx, delivery)
            if self._has_buttons and delivery.job:
                outgoing = self._with_buttons(tx, delivery, outgoing)
            if self._shows_families and delivery.job:
                outgoing = self._with_family(tx, delivery, outgoing)
            has_links = self._setup.links or INLINE.encode() in outgoing.body or outgoing.question is not None
            if has_links and not self._sink.handler.archives:
                outgoing = self._with_links(tx, outgoing)
            return partial(self.carry, delivery, outgoing)
        except Exception as wrong:  # noqa: BLE001  # what cannot be read must not fail a commit that others share
            return partial(self.carry, delivery, wrong)

    def _with_buttons(self, tx: Transaction, delivery: Delivery, outgoing: OutgoingEvent) -> OutgoingEvent:
        key = self._store.ref_key
        question = shown_question(tx, self._setup, key, delivery)
        buttons = () if question is not None else job_buttons(tx, self._setup, key, delivery)
        return msgspec.structs.replace(outgoing, question=question, buttons=buttons)

    def _with_family(self, tx: Transaction, delivery: Delivery, outgoing: OutgoingEvent) -> OutgoingEvent:
        kept = tx.job(delivery.job)
        root = ids.read("job", kept.job.root_id) if kept is not None else None
        if kept is None or root is None:
            return outgoing
        return msgspec.structs.replace(
            outgoing,
            ancestors=tuple(one.job for one in ancestors(tx, kept)),
            family_receipt=tx.family_receipt(delivery.lane, root),
        )

    def _with_links(self, tx: Transaction, outgoing: OutgoingEvent) -> OutgoingEvent:
        """What messages show: our copies, by links that open them now. The event's bytes stay as they were kept."""
        event, question = outgoing.event, outgoing.question
        if isinstance(event, Event):
            event = msgspec.structs.replace(event, data=self._shown(tx, event.data))
        if question is not None:
            question = msgspec.structs.replace(
                question, job=self._shown(tx, question.job), grid=self._shown(tx, question.grid)
            )
        return msgspec.structs.replace(outgoing, event=event, question=question)

    def _shown(self, tx: Transaction, job: Job) -> Job:
        kept = tx.job(ids.read("job", job.id) or 0)
        if kept is None:
            return job
        return as_shown(kept, job, self._setup, self._store.ref_key, self._clock())

    async def carry(self, delivery: Delivery, outgoing: OutgoingEvent | Exception) -> None:
        """One try, settled. Cut short by shutdown it is given back."""
        started = self._clock()
        outcome = await self._try(delivery, outgoing)
        if outcome is None:
            await write_until_kept(self._store, lambda tx: self._give_back(tx, delivery, self._clock()))
            return
        now = self._clock()
        after = self._after(delivery, outcome, now, self._spread())
        attempt = attempt_of(delivery, outcome, outcome_name(outcome), started, now)
        follow = partial(self._follow, delivery, after, outcome, now)
        settled = await self._settler.settle(EndedTry(delivery, after, attempt, follow))
        for observer in self._observers:
            observer.attempted(delivery, outcome_name(outcome), started, now - started)
        event = outgoing.event if isinstance(outgoing, OutgoingEvent) else None
        log.info(
            "delivery.attempted" if settled is not None else "delivery.fenced",
            delivery_id=ids.show("dlv", delivery.number),
            event_id=event.id if event else None,
            event_type=event.type if event else None,
            job_id=ids.show("job", delivery.job) if delivery.job else None,
            sink=self._sink.name,
            attempt=delivery.attempt,
            outcome=outcome_name(outcome),
            status=(settled or after).state,
            http_status=outcome.status,
            note=outcome.note,
            took_ms=now - started,
        )

    async def take_back(self, delivery: Delivery, why: str) -> None:
        """A try without a result: the next one is made by the schedule.

        It says nothing of the sink, so it does not count against it.
        """
        now = self._clock()
        outcome = Again(note=why)
        after = self._after(delivery, outcome, now, self._spread())
        await write_until_kept(self._store, lambda tx: self._settle_unreached(tx, delivery, after, outcome, now))

    def _settle_unreached(self, tx: Transaction, delivery: Delivery, after: Delivery, outcome: Again, now: int) -> None:
        if not settle_try(tx, delivery, after, outcome, outcome_name(outcome), now, now):
            return
        end_probe(tx, delivery.lane, now)
        if after.state == "dead":
            self._tell_dead(tx, delivery, outcome, now)

    async def _try(self, delivery: Delivery, outgoing: OutgoingEvent | Exception) -> Outcome | None:
        """What became of the try; None if our shutdown cut it short."""
        if isinstance(outgoing, Exception):
            log.error("delivery.unreadable", delivery_id=ids.show("dlv", delivery.number), exc_info=outgoing)
            return Again(note=f"the event could not be read: {type(outgoing).__name__}")
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(self._sink.timeout):
                return outcome_of_said(await self._sink.handler.deliver(outgoing, self._context))
        except BaseException as wrong:  # noqa: BLE001  # a handler may be anybody's code: its fault costs this one try
            return None if is_shutdown(wrong, task) else self._failed(wrong, outgoing)

    def _failed(self, wrong: BaseException, outgoing: OutgoingEvent) -> Again:
        if isinstance(wrong, TimeoutError):
            return Again(note=f"no answer within {self._sink.timeout:g} s")
        if isinstance(wrong, TransportError):
            return Again(note=str(wrong))
        log.error("handler.broke", sink=self._sink.name, delivery_id=outgoing.delivery_id, exc_info=wrong)
        return Again(note=f"the handler broke: {type(wrong).__name__}")

    def _give_back(self, tx: Transaction, delivery: Delivery, now: int) -> None:
        if tx.settle(delivery, returned_unused(delivery, now)):
            end_probe(tx, delivery.lane, now)

    def _follow(self, delivery: Delivery, after: Delivery, outcome: Outcome, now: int, tx: Transaction) -> Delivery:
        """What follows from a try that is written down; returns the delivery after that."""
        sink = self._sink
        if not isinstance(outcome, Again) and outcome.copies:
            keep_copies(tx, self._setup, self._store.ref_key, delivery.job, sink.name, outcome.copies, now)
        spared = False
        if isinstance(outcome, Delivered) or not outcome.blameless:
            spared = judge_sink(tx, self._setup, sink.name, delivery, outcome, sink.pause_after, now)
        else:
            end_probe(tx, delivery.lane, now)
        if spared and isinstance(outcome, Again):
            after = returned_unused(delivery, closed_until(tx, delivery.lane, now) or now)
            tx.put_delivery(after)
        if after.state == "dead":
            self._tell_dead(tx, delivery, outcome, now)
        return after

    def _tell_dead(self, tx: Transaction, delivery: Delivery, outcome: Outcome, now: int) -> None:
        """Tells the operator that an event of a job is given up; that of an operator event makes no event."""
        body = tx.event(delivery.event or 0)
        if delivery.job == 0 or body is None:
            return
        data = OperatorData(
            delivery=ids.show("dlv", delivery.number),
            sink=self._sink.name,
            job_id=ids.show("job", delivery.job),
            event_type=decode_event(body).type,
            reason=outcome.note or "it cannot be delivered",
        )
        tell_operator(tx, self._setup, "delivery.dead", data, now)
        if self._sink.handler.archives:
            tell_archive_failed(tx, self._setup, delivery.job, self._sink.name, delivery.number, now)

    def _after(self, delivery: Delivery, outcome: Outcome, now: int, spread: float) -> Delivery:
        if isinstance(outcome, Delivered):
            receipt = outcome.receipt or delivery.receipt
            return msgspec.structs.replace(delivery, state="done", receipt=receipt)
        if isinstance(outcome, Dead):
            return msgspec.structs.replace(delivery, state="dead")
        wait = next_wait(self._sink.retry, delivery.attempt - delivery.base, spread, outcome.after)
        if wait is None:
            return msgspec.structs.replace(delivery, state="dead")
        return msgspec.structs.replace(delivery, state="pending", due_at=now + int(wait * 1000))


def outcome_of_said(said: object) -> Outcome:
    """What a handler returned, as an outcome: None is Delivered, and what is none of the closed set is Again."""
    if said is None:
        return Delivered()
    try:
        if isinstance(said, Delivered | Again | Dead):
            outcome = _OUTCOME.decode(_ENCODER.encode(said))
            if outcome.status is None or 0 <= outcome.status <= MAX_STATUS:
                return outcome
    except (ValueError, TypeError, RecursionError):
        pass
    return Again(
        note=f"the handler returned {type(said).__name__}, which is not Delivered, Again or Dead as they must be"
    )


def outgoing_event(tx: Transaction, delivery: Delivery) -> OutgoingEvent:
    """What a handler is given for a delivery."""
    body = tx.event(delivery.event or 0) or b""
    return OutgoingEvent(
        delivery_id=ids.show("dlv", delivery.number),
        attempt=delivery.attempt - delivery.base,
        event=decode_event(body),
        body=body,
        receipt=tx.receipt(delivery.lane, delivery.job) if delivery.job else None,
    )
