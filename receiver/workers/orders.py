"""Carries planned jobs to their vendors: at most one paid call per intent, whatever breaks on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import structlog

from receiver.contracts import (
    Order,
    OrderSender,
    Source,
    Store,
    Transaction,
)
from receiver.contracts.counts import AttemptObserver
from receiver.contracts.setup import Setup
from receiver.flows.family import ancestors
from receiver.lib import ids
from receiver.lib.signatures import ref_of
from receiver.lib.times import Clock
from receiver.model.deliveries import (
    Delivery,
    Interrupted,
    OrderOutcome,
    Postponed,
    order_lane,
)
from receiver.model.jobs import KeptJob
from receiver.workers.dispatcher import Lane, Try
from receiver.workers.order_outcomes import begin_order, held_back, settle_order
from receiver.workers.settlement import write_until_kept

log = structlog.get_logger("dispatch")

#: A free look and the paid call: what one try may take beside the source's timeout for each.
CALLS: Final = 3


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
        observers: Sequence[AttemptObserver] = (),
    ) -> None:
        """`observers` are told of every try."""
        self._observers = observers
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
            source=source.name,
            prepare=self.prepare,
            take_back=self.take_back,
        )

    def prepare(self, tx: Transaction, delivery: Delivery) -> Try:
        """Reads what is to be ordered; returns the try."""
        try:
            return partial(self.carry, delivery, self._order(tx, delivery))
        except Exception as wrong:  # noqa: BLE001  # what cannot be read must not fail a commit that others share
            return partial(self.carry, delivery, wrong)

    async def carry(self, delivery: Delivery, order: Order | Postponed | Exception) -> None:
        """One try, settled. Interrupted before the paid call it is given back; during the call it is unsure."""
        started = self._clock()
        try:
            outcome = await self._try(order, delivery)
        except asyncio.CancelledError:
            outcome = Interrupted(note="the process was stopped", counted=False)
        except Exception as wrong:  # whatever it is (provider code is guarded): what it means depends on how far it was
            log.exception("order.broke", delivery_id=ids.show("dlv", delivery.number), source=self._source.name)
            outcome = Interrupted(note=f"the order broke: {type(wrong).__name__}")
        await self._settle(delivery, outcome, started)

    async def take_back(self, delivery: Delivery, why: str) -> None:
        """No try is busy with it: an order that may have been sent is unsure, another one is sent by its schedule."""
        await self._settle(delivery, Interrupted(note=why), self._clock())

    def _order(self, tx: Transaction, delivery: Delivery) -> Order | Postponed:
        """The order, unless the source's breaker opened while it waited."""
        kept = tx.job(delivery.job)
        if kept is None:
            raise LookupError("the delivery names a job that is not there")
        if held_back(tx, kept):
            return Postponed()
        wanted = self._source.webhooks and self._source.provider.webhooks
        ref = ref_of(self._store.ref_key, self._source.name, kept.number)
        url = f"{self._public_url}/in/{self._source.name}/{ref}" if wanted else None
        order = Order(kept=kept, ancestors=ancestors(tx, kept), webhook_url=url)
        return msgspec.structs.replace(order, confirm=self._confirm_at(order.worked_on))

    def _confirm_at(self, result: KeptJob | None) -> Source | None:
        """Where a result is read back, if only an unsigned webhook told it."""
        if result is None or not result.is_unproven:
            return None
        source = self._setup.sources.get(result.job.source)
        return source if source is not None and source.confirm else None

    async def _try(
        self, order: Order | Postponed | Exception, delivery: Delivery
    ) -> OrderOutcome | Interrupted | Postponed:
        if isinstance(order, Postponed):
            return order
        if isinstance(order, Exception):
            raise order

        held = False
        # From before it is looked up whose the order is.
        life = self._store.life()

        async def begin() -> bool:
            nonlocal held
            held, ours = await self._store.write(lambda tx: self._begin(tx, delivery))
            return ours

        def may_go() -> bool:
            return self._store.life() == life > 0 and self._clock() < delivery.due_at

        outcome = await self._sender.send(order, self._source, begin, may_go, self._clock)
        return Postponed() if held else outcome

    def _begin(self, tx: Transaction, delivery: Delivery) -> tuple[bool, bool]:
        """Whether the breaker has opened since the order was claimed, and whether the order may be sent."""
        kept = tx.job(delivery.job)
        held = kept is not None and held_back(tx, kept)
        return held, not held and begin_order(tx, self._source, delivery, self._clock())

    async def _settle(self, delivery: Delivery, outcome: OrderOutcome | Interrupted | Postponed, started: int) -> None:
        spread = self._spread()
        now = self._clock()
        settled = await write_until_kept(
            self._store, lambda tx: settle_order(tx, self._setup, delivery, outcome, started, now, spread)
        )
        for observer in self._observers:
            observer.attempted(delivery, settled.name, started, now - started)
        known, job = settled.outcome, settled.job
        log.info(
            "order.attempted",
            delivery_id=ids.show("dlv", delivery.number),
            job_id=ids.show("job", delivery.job),
            source=self._source.name,
            action=job.job.action if job else None,
            provider_job_id=job.job.provider_job_id if job else None,
            attempt=delivery.attempt,
            outcome=settled.name,
            status=known.status,
            note=known.note,
            job_status=job.job.status if job else None,
            took_ms=now - started,
        )
