"""Claims as a dispatcher makes them, with every commit and at the moment it was told: no lane is forgotten."""

from __future__ import annotations

import heapq
from itertools import count, pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.contracts import LaneLimits
from receiver.flows.destinations import end_probe
from receiver.lib.ids import Ids
from receiver.model.deliveries import Delivery
from receiver.model.destinations import Destination, delayed, failed, probe_failed
from receiver.store.sqlite.memory import memory_transaction
from receiver.store.sqlite.transaction import SqliteTransaction
from support.records import NOW

#: What becomes of a try.
ENDS = ("done", "done", "done", "fails", "asks to wait", "given back")
LANES = st.lists(
    st.tuples(
        st.integers(1, 3),  # at once by concurrency
        st.integers(1, 2),  # at once by one commit
        st.sampled_from([None, None, 0.5, 3.0, 700.0]),  # a second
        st.integers(1, 6),  # deliveries
    ),
    min_size=1,
    max_size=3,
)
LEASE_MS = 70_000


def after_try(tx: SqliteTransaction, delivery: Delivery, end: str, now: int) -> None:
    """Settles a try as sinks do."""
    again = msgspec.structs.replace(delivery, state="pending", due_at=now + 1000)
    found = tx.destination(delivery.lane) or Destination(lane=delivery.lane)
    if end == "done":
        again = msgspec.structs.replace(delivery, state="done")
        tx.clear_destination(delivery.lane)
    elif end == "given back":
        end_probe(tx, delivery.lane, now)
    elif end == "asks to wait":
        tx.put_destination(delayed(found, now + 5000))
    else:
        tx.put_destination(probe_failed(failed(found, 2, now), now) if found.paused else failed(found, 2, now))
    assert tx.settle(delivery, again)


@settings(max_examples=12, deadline=None)
@given(LANES, st.data())
def test_everything_is_carried_out_within_the_limits_and_nothing_waits_for_ever(
    lanes: list[tuple[int, int, float | None, int]], data: st.DataObject
) -> None:
    now = NOW
    order = count()
    #: Moments at which a try ends (with it) or a timer wakes (with None).
    moments: list[tuple[int, int, Delivery | None]] = []
    began: dict[str, list[int]] = {}
    with memory_transaction(Ids(lambda: now)) as tx:
        for number, (_, _, _, wanted) in enumerate(lanes):
            for _ in range(wanted):
                tx.add_delivery(Delivery(number=tx.ids.next(), lane=f"sink:{number}", job=1, event=1, due_at=now))
        left = sum(wanted for *_, wanted in lanes)
        ended: Delivery | None = None
        for _ in range(2000):
            if ended is not None:
                end = data.draw(st.sampled_from(ENDS))
                after_try(tx, ended, end, now)
                left -= end == "done"
            limits = [
                LaneLimits(f"sink:{number}", concurrency, at_once, now + LEASE_MS, rate)
                for number, (concurrency, at_once, rate, _) in enumerate(lanes)
            ]
            claimed = tx.claim(limits, now)
            for one in claimed.deliveries:
                began.setdefault(one.lane, []).append(now)
                heapq.heappush(moments, (now + data.draw(st.integers(0, 3000)), next(order), one))
            # As the dispatcher: one timer, which every claim sets anew; without a wake nothing but a commit comes.
            moments = [moment for moment in moments if moment[2] is not None]
            heapq.heapify(moments)
            if claimed.wake is not None:
                assert claimed.wake > now or claimed.deliveries
                heapq.heappush(moments, (claimed.wake, next(order), None))
            for number, (concurrency, *_) in enumerate(lanes):
                assert sum(one is not None and one.lane == f"sink:{number}" for *_, one in moments) <= concurrency
            if not moments:
                break
            moment, _, ended = heapq.heappop(moments)
            now = max(now, moment)
        assert left == 0
    for number, (_, _, rate, _) in enumerate(lanes):
        times = began[f"sink:{number}"]
        assert rate is None or all(later - earlier >= 1000 / rate - 1 for earlier, later in pairwise(times))
