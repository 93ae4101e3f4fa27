"""A page of `/metrics` on which nothing is left out."""

from __future__ import annotations

from decimal import Decimal

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest

from receiver.contracts import Counts
from receiver.contracts.counts import AttemptCounts, ReplicaState, StoreCounts
from receiver.lib.tallies import BitHistogram, Tally
from receiver.model.deliveries import Delivery
from receiver.views.costs import BudgetState, CostLine
from receiver.views.gauges import Gauges, LaneGauges
from receiver.web.http.load import ServerLoad
from receiver.web.metrics.endpoint import Families
from receiver.web.metrics.families import counted, process_facts, replica_facts, stored
from support.records import NOW

LANE = LaneGauges(name="team", pending=3, due=2, oldest_at=NOW - 1500, failures=2, is_paused=True)
BUDGET = BudgetState(
    scope="source",
    name="journey",
    amount=Decimal(200),
    unit="credits",
    per="day",
    used=Decimal("12.5"),
    left=Decimal("187.5"),
    unknown=0,
    until=None,
    held=0,
)
COST = CostLine(
    name="journey",
    unit="credits",
    source="journey",
    spent=Decimal(3),
    reserved=Decimal(1),
    released=Decimal(0),
    unknown=0,
    jobs=2,
)
FOUND = Gauges(
    counts=Counts(
        deliveries={"pending": 1, "running": 0, "dead": 2, "unseen": 1},
        jobs={("journey", "unsure"): 1},
        warnings={("journey", "no_picture"): 1},
        wal_bytes=4096,
        replicas=2,
    ),
    sinks=(LANE,),
    orders=(LaneGauges(name="journey", pending=0, due=0, oldest_at=None, failures=0, is_paused=False),),
    budgets=(BUDGET,),
    costs=(COST,),
    stopped=frozenset({"journey"}),
    webhooks={"journey": NOW},
    database_bytes=8192,
)


def everything() -> str:
    """The page as text."""
    attempts, store, times = AttemptCounts(), StoreCounts(), BitHistogram()
    attempts.attempted(Delivery(number=1, lane="sink:team", job=1, event=1, due_at=0), "delivered", NOW, 20)
    attempts.attempted(Delivery(number=2, lane="order:journey", job=1, due_at=0), "accepted", NOW, 20)
    for value in (0, 1, 7, 1000):
        times.add(value)
        store.commit_us.add(value)
        store.commit_sizes.add(value)
    requests, refused = Tally({("journey", "mapped"): 2}), Tally({("journey", "no_header"): 1})
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    counts = counted(requests, refused, times, attempts, store, ["journey"], ["team"])
    ours = [*process_facts(ServerLoad(), leads=True), *replica_facts(ReplicaState(slot=1, reconnects=2)), *counts]
    registry.register(Families([*ours, *stored(FOUND, NOW)]))
    return generate_latest(registry).decode()
