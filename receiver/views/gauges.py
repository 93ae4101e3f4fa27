"""What `/metrics` shows of the store: counted on indexes and kept sums, up to bounds; no table is read through."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from receiver.contracts import Counts, Transaction
from receiver.contracts.setup import Setup
from receiver.model.deliveries import order_lane, sink_lane
from receiver.views.costs import BudgetState, CostLine, budget_states, month_lines
from receiver.views.health import LOOKED_AT, last_webhooks


class LaneGauges(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a sink or a vendor, and whether it takes anything."""

    #: Name of the sink or source.
    name: str
    #: Deliveries or orders that wait, 10,000 at most.
    pending: int
    #: Of those, the ones that could be sent now: none while its breaker is open, or it asked to be left alone.
    due: int
    #: When the oldest of them was made, Unix ms; None = none waits.
    oldest_at: int | None
    #: Failed tries in a row.
    failures: int
    #: True if its breaker is open: nothing but probes is sent there.
    is_paused: bool


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is of everything right now."""

    counts: Counts
    sinks: tuple[LaneGauges, ...]
    #: By source: its orders.
    orders: tuple[LaneGauges, ...]
    budgets: tuple[BudgetState, ...]
    #: One line for each source and unit, since the month began in the configured time zone.
    costs: tuple[CostLine, ...]
    #: Sources whose accounts refuse orders.
    stopped: frozenset[str]
    #: By source: when its last webhook came, Unix ms; those that are not among the newest are left out.
    webhooks: dict[str, int]
    #: Size of the database without its log, bytes.
    database_bytes: int


def gauges(tx: Transaction, setup: Setup, sinks: Iterable[str], now: int) -> Gauges:
    """Everything at `now` (Unix ms); `sinks` are their names."""
    pages = tx.pages()
    return Gauges(
        counts=tx.counts(),
        sinks=tuple(_lane(tx, name, sink_lane(name), now) for name in sinks),
        orders=tuple(_lane(tx, name, order_lane(name), now) for name in setup.sources),
        budgets=budget_states(tx, setup, now, count_held=False),
        costs=month_lines(tx, setup, now),
        stopped=frozenset(breaker.source for breaker in tx.breakers()),
        webhooks=last_webhooks(tx.request_traces(LOOKED_AT)),
        database_bytes=pages.count * pages.size,
    )


def _lane(tx: Transaction, name: str, lane: str, now: int) -> LaneGauges:
    destination = tx.destination(lane)
    is_waited_for = destination is not None and (destination.paused or destination.wait_until > now)
    return LaneGauges(
        name=name,
        pending=tx.pending(lane),
        due=0 if is_waited_for else tx.overdue(lane, now),
        oldest_at=tx.oldest_pending(lane),
        failures=destination.failures if destination is not None else 0,
        is_paused=destination is not None and destination.paused,
    )
