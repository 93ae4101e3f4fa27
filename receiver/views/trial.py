"""What a change would lead to: it is carried out in a transaction that is taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from receiver.contracts import Filters, Store, Transaction, Watch
from receiver.model.events import Event, decode_event
from receiver.model.jobs import Cost

T = TypeVar("T")
#: So many of each that would be made are looked at.
MOST_SEEN: Final = 100


class TrialOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that would be planned."""

    source: str
    action: str | None
    #: `planned` (it would be sent) or `held`.
    status: str
    cost: Cost | None


class Consequences(msgspec.Struct, frozen=True, kw_only=True):
    """What a change would make that is not there yet."""

    #: Types of the events, in order.
    events: tuple[str, ...] = ()
    orders: tuple[TrialOrder, ...] = ()
    #: Messages to sinks.
    deliveries: int = 0


class _TakenBack(Exception):  # it is no fault
    """The trial is over: its transaction is given up."""

    def __init__(self, found: Consequences) -> None:
        super().__init__("taken back")
        self.found = found


class TrialStore:
    """A store that keeps nothing: the first write ends the trial, and is taken back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.ref_key = store.ref_key
        self.clock = store.clock

    def leads(self) -> bool:
        """False: a trial has no duties."""
        return False

    def life(self) -> int:
        """See `receiver.contracts.Store.life`."""
        return self._store.life()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` and takes it back. Always raises: what it would have made, or what it raised."""

        def tried(tx: Transaction) -> T:
            before = tx.ids.next()
            work(tx)
            raise _TakenBack(_made_since(tx, before))

        return await self._store.write(tried)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` on what is kept."""
        return await self._store.read(work)

    def watch(self) -> Watch:
        """A watcher of the real store."""
        return self._store.watch()


async def tried(store: Store, change: Callable[[Store], Awaitable[object]]) -> Consequences:
    """What a change of one write would lead to; nothing of it is kept. Raises what the change raises."""
    try:
        await change(TrialStore(store))
    except _TakenBack as over:
        return over.found
    return Consequences()


def _made_since(tx: Transaction, before: int) -> Consequences:
    events = [decode_event(body) for body in tx.events_after(before, MOST_SEEN)]
    jobs = [kept for kept in tx.jobs(Filters(limit=MOST_SEEN)) if kept.number > before and kept.ordered_by_us]
    deliveries = [one for one in tx.deliveries(Filters(limit=MOST_SEEN)) if one.number > before and not one.is_order]
    return Consequences(
        events=tuple(event.type for event in events if isinstance(event, Event)),
        orders=tuple(
            TrialOrder(source=kept.job.source, action=kept.job.action, status=kept.job.status, cost=kept.job.cost)
            for kept in reversed(jobs)
        ),
        deliveries=len(deliveries),
    )
