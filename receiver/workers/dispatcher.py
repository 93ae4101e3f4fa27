"""Dispatch: claims what is due, lets handlers carry it out, settles what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from receiver.contracts import (
    CommitHook,
    HookedStore,
    LaneLimits,
    Transaction,
)
from receiver.errors import StoreUnavailable
from receiver.lib.times import Clock
from receiver.model.deliveries import Delivery

log = structlog.get_logger("dispatch")

#: How much longer than its handler's timeout a lease is, seconds.
LEASE_MARGIN: Final = 60.0
#: The longest the dispatcher sleeps, seconds; it is woken by commits before that.
LONGEST_SLEEP: Final = 60.0
#: Between two looks for leases that ran out, ms.
LEASE_CHECK_MS: Final = 30_000
#: Before it claims again after a commit failed, seconds.
STORE_WAIT: Final = 1.0
#: How long what is interrupted at the end may take to be settled, seconds. What is not is found at the next start.
SETTLING: Final = 1.0
#: Deliveries of one lane that one commit claims at most: nobody's commit waits long for them.
AT_ONCE: Final = 32
#: Why a delivery is taken back.
LEASE_OVER: Final = "its lease ran out before anything was heard of it"
BROKE: Final = "the try broke before its outcome was written down"

#: One try, ready to begin.
Try = Callable[[], Coroutine[Any, Any, None]]


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """Where deliveries of one kind go, and how."""

    #: `sink:NAME` or `order:NAME`
    name: str
    concurrency: int
    #: Seconds that one try may take; the lease is longer.
    timeout: float
    #: A second; None = as they come.
    rate: float | None = None
    #: The source whose vendor's jobs count too; None = this is no lane of orders.
    source: str | None = None
    #: Reads what a try of a claimed delivery needs, in the commit that claims it. Never raises: that would fail the
    #: commit. The try carries the delivery out and settles it; cancelled at shutdown it settles what is known.
    prepare: Callable[[Transaction, Delivery], Try]
    #: Settles a delivery that no try of ours is busy with any more, though none has settled it; the text says why.
    take_back: Callable[[Delivery, str], Coroutine[Any, Any, None]]


class ClaimedDelivery(NamedTuple):
    """A delivery that is ours now."""

    lane: Lane
    delivery: Delivery
    begin: Try


class Claims(NamedTuple):
    """What one commit claimed."""

    claimed: tuple[ClaimedDelivery, ...]
    #: Deliveries whose lease ran out, with their lanes; None = leases were not looked at.
    run_out: tuple[tuple[Lane, Delivery], ...] | None
    #: When there may be something to claim without a commit that tells of it, Unix ms.
    wake: int | None
    #: The moment of the claim, Unix ms.
    now: int


class Dispatcher:
    """Runs deliveries of all lanes, each within its concurrency and rate, which the store sees to. Never polls.

    It claims within the commits that bring something to do: what a webhook leads to is claimed as it is kept, what
    follows a try as that is settled.
    """

    def __init__(self, store: HookedStore, lanes: Sequence[Lane], clock: Clock) -> None:
        self._store = store
        self._lanes = {lane.name: lane for lane in lanes}
        self._clock = clock
        #: What is carried out or settled at present, by task: the delivery's number.
        self._running: dict[asyncio.Task[None], int] = {}
        #: When leases are looked at next, Unix ms.
        self._lease_check_at = 0
        self._stopping = False
        #: Commits fail at present.
        self._held_up = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begins to dispatch."""
        self._hook: CommitHook = self._store.hook_commits(lambda: self._take, self._taken, self._failed)
        self._hook.request_commit()

    def adopt(self, lanes: Sequence[Lane]) -> None:
        """Claims for these lanes from here on; what runs ends as it began, and counts where its lane goes on."""
        # In one piece: a commit may be claiming right now, on the store's thread.
        self._lanes = {lane.name: lane for lane in lanes}
        self._hook.request_commit()

    async def stop(self, grace: float, hurry: asyncio.Event | None = None) -> int:
        """Claims nothing more, and lets what runs finish within `grace` seconds, or until `hurry` is set.

        Interrupts the rest, which has a moment to be settled; returns how many those were.
        """
        self._stopping = True
        await self._last_claim()
        self._hook.close()
        if self._timer is not None:
            self._timer.cancel()
        late = await _unfinished(self._running, grace, hurry or asyncio.Event())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=SETTLING)
        return len(late)

    async def _last_claim(self) -> None:
        """Waits until no commit is under way that claims."""
        try:
            await self._store.write(lambda tx: None)
        except StoreUnavailable as wrong:
            log.error("dispatch.waits", reason=str(wrong))

    # --- within a commit, on the store's thread

    def _take(self, tx: Transaction) -> Claims:
        """Claims what is due in every lane that has room."""
        now = self._clock()
        run_out = self._run_out(tx, now)
        lanes = self._lanes if self._store.life() and not self._stopping else {}
        found = tx.claim([_limits(lane, now) for lane in lanes.values()], now)
        claimed = [ClaimedDelivery(lanes[one.lane], one, lanes[one.lane].prepare(tx, one)) for one in found.deliveries]
        return Claims(tuple(claimed), run_out, found.wake, now)

    def _run_out(self, tx: Transaction, now: int) -> tuple[tuple[Lane, Delivery], ...] | None:
        """The deliveries of our lanes whose lease is over, but for those that a try of ours is still busy with.

        None if it is not time yet to look at leases.
        """
        # Further away than any wait: the clock was set back.
        if self._stopping or 0 < self._lease_check_at - now <= LEASE_CHECK_MS:
            return None
        ours, lanes = set(self._running.values()), self._lanes
        return tuple((lanes[one.lane], one) for one in tx.run_out(now) if one.lane in lanes and one.number not in ours)

    # --- on the event loop, before the next commit begins

    def _taken(self, taken: Claims) -> None:
        for one in taken.claimed:
            self._start(one)
        if taken.run_out is not None:
            self._lease_check_at = taken.now + LEASE_CHECK_MS
            for lane, delivery in taken.run_out:
                log.warning("lease.ran_out", lane=lane.name, delivery=delivery.number, attempt=delivery.attempt)
                self._take_back(lane, delivery, LEASE_OVER)
        self._held_up = False
        self._wake_in((taken.wake - taken.now) / 1000 if taken.wake is not None else LONGEST_SLEEP)

    def _failed(self, wrong: Exception) -> None:
        if self._held_up:
            return self._wake_in(STORE_WAIT)
        self._held_up = True
        if isinstance(wrong, StoreUnavailable):
            log.error("dispatch.waits", reason=str(wrong))
        else:
            log.error("dispatch.broke", error=repr(wrong), exc_info=wrong)
        return self._wake_in(STORE_WAIT)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = min(max(seconds, 0.0), LONGEST_SLEEP)
        self._timer = asyncio.get_running_loop().call_later(wait, self._hook.request_commit)

    def _start(self, one: ClaimedDelivery) -> None:
        self._run(one.begin(), one.lane, one.delivery, then=self._ended)

    def _take_back(self, lane: Lane, delivery: Delivery, why: str) -> None:
        self._run(lane.take_back(delivery, why), lane, delivery, then=self._taken_back)

    def _run(
        self,
        work: Coroutine[Any, Any, None],
        lane: Lane,
        delivery: Delivery,
        then: Callable[[Lane, Delivery, asyncio.Task[None]], None],
    ) -> None:
        task = asyncio.create_task(work, name=f"{lane.name} {delivery.number}")
        self._running[task] = delivery.number
        task.add_done_callback(partial(then, lane, delivery))

    def _ended(self, lane: Lane, delivery: Delivery, task: asyncio.Task[None]) -> None:
        # It was not settled, so it would keep its place until its lease runs out.
        if self._broke(lane, task) and not self._stopping:
            self._take_back(lane, delivery, BROKE)

    def _taken_back(self, lane: Lane, _delivery: Delivery, task: asyncio.Task[None]) -> None:
        self._broke(lane, task)

    def _broke(self, lane: Lane, task: asyncio.Task[None]) -> bool:
        self._running.pop(task, None)
        if task.cancelled() or (error := task.exception()) is None:
            return False
        log.error("delivery.broke", lane=lane.name, error=repr(error), exc_info=error)
        return True


def _limits(lane: Lane, now: int) -> LaneLimits:
    return LaneLimits(
        lane=lane.name,
        concurrency=lane.concurrency,
        at_once=AT_ONCE,
        lease_until=now + int((lane.timeout + LEASE_MARGIN) * 1000),
        rate=lane.rate,
        source=lane.source,
    )


async def _unfinished(
    running: Collection[asyncio.Task[None]], seconds: float, hurry: asyncio.Event
) -> set[asyncio.Task[None]]:
    """Waits until all tasks are done, the time runs out or `hurry` is set; returns those that are not done."""
    left = set(running)
    hurried = asyncio.create_task(hurry.wait())
    try:
        async with asyncio.timeout(seconds):
            while left and not hurried.done():
                done, _ = await asyncio.wait({*left, hurried}, return_when=asyncio.FIRST_COMPLETED)
                left -= done
    except TimeoutError:
        left = {task for task in left if not task.done()}
    hurried.cancel()
    return left
