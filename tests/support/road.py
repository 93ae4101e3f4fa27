"""The road from a webhook to a paid follow-up with all its parts real, and every step of it in a test's hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from handlers.order import OrderHandler
from receiver.contracts import (
    Call,
    Filters,
    LaneLimits,
    Order,
    Request,
    Source,
    Transaction,
)
from receiver.contracts.setup import Limits, Setup
from receiver.flows import commands, intake
from receiver.flows.poll_times import askable
from receiver.lib.signatures import job_of_ref
from receiver.model import submissions
from receiver.model.deliveries import Delivery
from receiver.model.jobs import TERMINAL, KeptJob
from receiver.model.rules import Rule
from receiver.providers.journeyapi import JourneyAPI
from receiver.workers.dispatcher import LEASE_MARGIN
from receiver.workers.dispatcher import Try as Begin
from receiver.workers.order_outcomes import recover
from receiver.workers.orders import OrderCarrier
from receiver.workers.reconciler import (
    AT_ONCE,
    see_to,
    take_answers,
)
from support.claiming import next_due
from support.pretend import Fate, Task, Vendor
from support.records import a_source
from support.stepping import REF_KEY, Killed, Line, SteppedStore, Try
from support.world import AUTO_HD, Clock

T = TypeVar("T")

#: More than a try has: a look, the commit, both halves of the call, the outcome.
TO_THE_END: Final = 20
EVERYTHING: Final = Filters(limit=500)


class Keyed(JourneyAPI):
    """A dialect whose vendor honours an idempotency key."""

    idempotent = True

    def order(self, order: Order, source: Source, prepared: object) -> Call:
        """The same order, with our job's id as its key."""
        call = super().order(order, source, None)
        return msgspec.structs.replace(call, headers={**call.headers, "idempotency-key": order.kept.job.id})


class Road:
    """One gridhook after another on one database, and the vendor."""

    def __init__(self, provider: JourneyAPI, limits: Limits, rules: tuple[Rule, ...] = (AUTO_HD,)) -> None:
        self.clock = Clock()
        self.store = SteppedStore(self.clock)
        self.vendor = Vendor()
        self.line = Line(self.vendor, self.clock)
        self.source = a_source(provider=provider, concurrency=3)
        self.setup = Setup(sources={"journey": self.source}, rules=rules, limits=limits)
        self.tries: list[Try] = []
        #: How often a person said to send an order whose fate was not known.
        self.sends: Counter[int] = Counter()
        #: Whose result came to the webhook URL of its order.
        self.told_on_ref: list[Task] = []
        carrier = OrderCarrier(
            self.store, self.setup, self.source, OrderHandler(self.line), "https://h.test", self.clock, lambda: 0.5
        )
        self._lane = carrier.lane()

    # --- what there is

    def jobs(self) -> list[KeptJob]:
        """Every job, oldest first."""
        return list(reversed(self.store.view(lambda tx: tx.jobs(EVERYTHING))))

    def view(self, work: Callable[[Transaction], T]) -> T:
        """What a read gives."""
        return self.store.view(work)

    def ordered_by(self, task: Task) -> int:
        """The number of the job whose order the vendor took."""
        number = job_of_ref(REF_KEY, "journey", task.ref or "")
        assert number is not None
        return number

    # --- what comes in

    def webhook(self, task: Task, body: bytes, *, on_ref: bool) -> intake.IntakeResult:
        """Takes a webhook in."""
        request = Request(
            source="journey",
            headers={"x-webhook-secret": "hook-secret"},
            body=body,
            path_token=task.ref if on_ref else None,
            received_at=self.clock(),
        )
        verified = intake.verify(request, self.source, REF_KEY)
        arrival = intake.read(request, verified, self.source)
        ended = any(report.status in TERMINAL for report in arrival.reports)
        if ended and on_ref and task.ref is not None:
            self.told_on_ref.append(task)
        return self.store.commit(lambda tx: intake.take(tx, self.setup, arrival))

    def resolve(self, kept: KeptJob, decision: submissions.Decision) -> None:
        """A person's word on a job. Raises NotPossible."""
        self.store.commit(lambda tx: commands.resolve(tx, self.setup, kept.job.id, decision, self.clock()))
        if decision == "send" and kept.job.status == "unsure":
            self.sends[kept.number] += 1

    # --- what goes out

    def claim(self, most: int = 3) -> list[Try]:
        """Claims as the dispatcher does, and begins to carry."""
        lane, now = self._lane, self.clock()
        lease = now + int((lane.timeout + LEASE_MARGIN) * 1000)

        def take(tx: Transaction) -> list[tuple[Delivery, Begin]]:
            limits = LaneLimits(lane.name, lane.concurrency, most, lease, lane.rate, lane.source)
            return [(delivery, lane.prepare(tx, delivery)) for delivery in tx.claim([limits], now).deliveries]

        tries = [Try(delivery, begin()) for delivery, begin in self.store.commit(take)]
        self.tries += tries
        return tries

    def go_on(self, attempt: Try, steps: int, fate: Fate) -> None:
        """Lets so many steps of a try happen; a call in them meets this fate."""
        self.line.fate = fate
        attempt.go_on(steps)
        self._forget_finished()

    def interrupt(self, attempt: Try) -> None:
        """A shutdown cancels a try, which settles what it knows."""
        attempt.interrupt(asyncio.CancelledError())
        self.go_on(attempt, TO_THE_END, "taken")

    def look(self, *, answered: bool, most: int = AT_ONCE) -> None:
        """Looks at what is due as the reconciler does."""
        now = self.clock()
        due = self.view(lambda tx: tx.due_checks("journey", now, most))
        asked = [kept for kept in due if kept.job.status != "held" and askable(self.source, kept)]
        for kept in due:
            if kept not in asked:
                self.store.commit(lambda tx, kept=kept: see_to(tx, self.setup, kept.number, now))  # type: ignore[misc]
        if asked:
            answer = self.vendor.asked(self.source.provider.query(asked, self.source))
            reports = self.source.provider.read(answer, asked) if answered else []
            numbers = [kept.number for kept in asked]
            self.store.commit(lambda tx: take_answers(tx, self.setup, self.source, numbers, reports, answered, now))

    # --- how it ends, and begins again

    def kill(self, attempt: Try | None = None) -> None:
        """The process is killed, in the middle of a try's next commit if one is given, and the next one starts."""
        if attempt is not None:
            self._tear(lambda: attempt.go_on(1))
        for one in self.tries:
            one.vanish()
        self.tries = []
        self.take_over()

    def kill_while_taking(self, task: Task, body: bytes) -> None:
        """The process is killed before a webhook is committed."""
        self._tear(lambda: self.webhook(task, body, on_ref=False))
        self.kill()

    def take_over(self) -> int:
        """A new process ends the leases of the one before, which may be frozen rather than dead."""
        self.store.begin_anew()
        return self.store.commit(lambda tx: recover(tx, self.setup, self.clock()))

    def _tear(self, work: Callable[[], object]) -> None:
        self.store.torn = True
        try:
            work()
        except Killed:
            pass
        finally:
            self.store.torn = False

    def _forget_finished(self) -> None:
        self.tries = [one for one in self.tries if not one.over]

    # --- how it comes to rest

    def come_to_rest(self) -> None:
        """The vendor is well again and tells everything; time passes until nothing is due any more."""
        self.kill()
        for _ in range(200):
            for task in list(self.vendor.tasks.values()):
                self.vendor.work(task, "completed", 100)
            while self.vendor.posts:
                task, body = self.vendor.posts.pop()
                self.webhook(task, body, on_ref=task.ref is not None)
            self.look(answered=True)
            for attempt in self.claim():
                self.go_on(attempt, TO_THE_END, "taken")
            due = self._next_due()
            if due is None:
                return
            self.clock.now = max(self.clock.now, due)
        raise AssertionError("it does not come to rest")

    def _next_due(self) -> int | None:
        moments = (
            self.view(lambda tx: next_due(tx, self._lane.name)),
            self.view(lambda tx: tx.next_check(["journey"])),
        )
        return min((moment for moment in moments if moment is not None), default=None)
