"""Dispatch: claims what is due, lets handlers carry it out, settles what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import msgspec
import structlog

from receiver.contracts import Store, Transaction, Watch
from receiver.deliveries import Delivery
from receiver.errors import StoreUnavailable
from receiver.times import Clock

log = structlog.get_logger("dispatch")

#: How much longer than its handler's timeout a lease is, seconds.
LEASE_MARGIN: Final = 60.0
#: The longest the dispatcher sleeps, seconds; it is woken by commits before that.
LONGEST_SLEEP: Final = 60.0


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """Where deliveries of one kind go, and how."""

    #: `sink:NAME` or `order:NAME`
    name: str
    concurrency: int
    #: Seconds that one try may take; the lease is longer.
    timeout: float
    #: A second; None = as they come.
    rate: float | None = None
    #: How many more may begin for another reason than concurrency here; None = no other reason.
    room: Callable[[Transaction], int] | None = None
    #: Carries one delivery out and settles it. Cancelled at shutdown: then it settles what is known and returns.
    carry: Callable[[Delivery], Coroutine[Any, Any, None]]


class Dispatcher:
    """Runs deliveries of all lanes, each within its concurrency and rate. Woken by commits; never polls."""

    def __init__(self, store: Store, lanes: Sequence[Lane], clock: Clock) -> None:
        self._store = store
        self._lanes = {lane.name: lane for lane in lanes}
        self._clock = clock
        self._running: dict[str, set[asyncio.Task[None]]] = {lane.name: set() for lane in lanes}
        self._free_at: dict[str, float] = {}
        self._stopping = False
        self._watch: Watch = store.watch()

    def start(self) -> None:
        """Begins to dispatch."""
        self._loop = asyncio.create_task(self._run(), name="dispatcher")

    async def stop(self, grace: float) -> None:
        """Claims nothing more, lets what runs finish within `grace` seconds, then interrupts the rest."""
        self._stopping = True
        self._watch.signal()
        await self._loop
        self._watch.close()
        running = [task for tasks in self._running.values() for task in tasks]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                wait = await self._claim()
            except StoreUnavailable as wrong:
                log.error("dispatch.waits", reason=str(wrong))
                wait = 1.0
            if not self._stopping:
                await self._watch.wait(wait)

    async def _claim(self) -> float:
        """Claims and starts what is due; gives the seconds until there is something to claim again."""
        now = self._clock()
        room = {name: free for name, lane in self._lanes.items() if (free := self._room(lane, now)) > 0}
        claimed, due = await self._store.write(lambda tx: self._take(tx, room, now))
        for delivery in claimed:
            self._start(self._lanes[delivery.lane], delivery)
        wakes = [moment - now for moment in self._free_at.values() if moment > now]
        if due is not None:
            wakes.append(max(0.0, due - now))
        return min([LONGEST_SLEEP, *(wake / 1000 for wake in wakes)])

    def _take(self, tx: Transaction, room: dict[str, int], now: int) -> tuple[list[Delivery], int | None]:
        claimed: list[Delivery] = []
        waiting: list[str] = []
        for name, free in room.items():
            lane = self._lanes[name]
            most = free if lane.room is None else min(free, lane.room(tx))
            taken = tx.claim(name, most, now, now + int((lane.timeout + LEASE_MARGIN) * 1000)) if most > 0 else []
            claimed += taken
            if len(taken) < most:
                waiting.append(name)
        return claimed, tx.next_due(waiting)

    def _room(self, lane: Lane, now: int) -> int:
        free = lane.concurrency - len(self._running[lane.name])
        if lane.rate is None:
            return free
        return min(free, 1) if self._free_at.get(lane.name, 0.0) <= now else 0

    def _start(self, lane: Lane, delivery: Delivery) -> None:
        if lane.rate is not None:
            self._free_at[lane.name] = self._clock() + 1000 / lane.rate
        task = asyncio.create_task(lane.carry(delivery), name=f"{lane.name} {delivery.number}")
        self._running[lane.name].add(task)
        task.add_done_callback(lambda done: self._ended(lane, done))

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        self._running[lane.name].discard(task)
        self._watch.signal()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery.broke", lane=lane.name, error=repr(error), exc_info=error)
