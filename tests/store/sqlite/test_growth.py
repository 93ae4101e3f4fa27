"""Nothing that is read takes longer because there is more: counted in steps of SQLite's machine, not in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

import msgspec
import pytest

from receiver.contracts import CostRow, Filters, LaneLimits
from receiver.lib import ids
from receiver.lib.ids import Ids
from receiver.model.deliveries import sink_lane
from receiver.store.sqlite.transaction import SqliteTransaction
from support.claiming import claim, next_due
from support.empty import empty_in_memory
from support.history import STEP, Turn, happen, repeat
from support.records import NOW
from support.world import Clock, memory_transaction

DAY: Final = 86_400_000
#: Both are more than a page looks at.
FEW: Final = 2_500
MANY: Final = 25_000
#: How many times as many steps ten times as many rows may take.
FLAT: Final = 1.3
#: What little there is beside the usual, at the very beginning.
OLD: Final = Turn(
    place=0,
    source="frame",
    status="failed",
    action="pick",
    tags={"old": "1"},
    parent=77,
    root=77,
    type="job.failed",
    request_state="unmapped",
    states=("dead", "pending"),
    sinks=("gone", "gone"),
    on_ref=True,
    check_at=NOW,
)
USUAL: Final = Turn(place=10)
#: Everything went wrong, and everything has a tag.
UNLUCKY: Final = msgspec.structs.replace(
    OLD,
    place=10,
    source="journey",
    action="imagine",
    tags={"all": "1"},
    states=("pending", "dead"),
    sinks=("team", "team"),
)
HISTORIES: Final[Mapping[str, Turn]] = {"usual": USUAL, "unlucky": UNLUCKY}
EVER: Final = NOW + MANY * 2 * STEP

EVERYWHERE: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"limit": 500},
    *({"source": source} for source in ("journey", "frame", "nobody")),
    *({"action": action} for action in ("imagine", "pick", "pan")),
    *({"provider_job_id": name} for name in ("task-0", "task-10", "nothing")),
    *({"tags": tags} for tags in ({"old": "1"}, {"all": "1"}, {"no": "such"}, {"all": "1", "old": "1"})),
    *({"root": number} for number in (77, USUAL.job, 5)),
    *({"parent": number} for number in (77, USUAL.job, 5)),
    *({"job": number} for number in (OLD.job, USUAL.job, 5)),
    {"since": EVER},
    {"until": NOW},
    {"until": NOW + STEP},
    {"since": NOW, "until": NOW + 5 * STEP},
    {"before": OLD.first + 9},
    {"source": "journey", "action": "pick"},
    {"source": "nobody", "action": "pan", "since": NOW},
    {"tags": {"all": "1"}, "action": "pan"},
    {"root": 77, "source": "nobody"},
)
STATUSES: Final = ("failed", "canceled", "completed", "held", "running")
TYPES: Final = ("job.failed", "job.held", "job.completed", "job.progress")
OWN: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "jobs": (
        *({"status": status} for status in STATUSES),
        {"status": "failed", "source": "nobody"},
        {"status": "completed", "source": "nobody"},
        {"status": "failed", "tags": {"old": "1"}},
        {"prompt": "nothing like it"},
        {"prompt": "lighthouse", "status": "failed"},
    ),
    "events": (
        *({"status": status} for status in STATUSES),
        *({"type": kind} for kind in TYPES),
        {"type": "job.completed", "source": "nobody"},
        {"type": "job.failed", "status": "completed"},
    ),
    "requests": (
        *({"status": state} for state in ("mapped", "unmapped", "unreadable")),
        {"status": "mapped", "source": "nobody"},
        {"status": "unmapped", "job": OLD.job},
    ),
    "deliveries": (
        *({"status": state} for state in ("pending", "running", "done", "dead")),
        *({"type": kind} for kind in TYPES),
        *({"sink": sink} for sink in ("team", "gone", "nowhere")),
        {"status": "dead", "sink": "nowhere"},
        {"status": "done", "sink": "gone"},
        {"status": "pending", "sink": "team"},
        {"status": "running", "type": "job.failed"},
    ),
}
LISTED: Final = [
    (table, wanted) for table, own in OWN.items() for wanted in (*EVERYWHERE, *own)
]  # fmt: skip

READS: Final[Mapping[str, Callable[[SqliteTransaction], object]]] = {
    "job": lambda tx: tx.job(USUAL.job),
    "job_traces": lambda tx: tx.job_traces(1000),
    "delivery_traces": lambda tx: tx.delivery_traces(1000),
    "request_traces": lambda tx: tx.request_traces(1000),
    "dead_letters": lambda tx: tx.dead_letters(50),
    "job_at": lambda tx: tx.job_at("journey", "task-10"),
    "job_for": lambda tx: tx.job_for("intent-10"),
    "family_size": lambda tx: tx.family_size(ids.show("job", USUAL.job)),
    "held": lambda tx: tx.held("journey", "budget"),
    "to_look_at": lambda tx: tx.due_checks("journey", NOW * 2, 100),
    "next_look": lambda tx: tx.next_check(["journey", "frame", "nobody"]),
    "cost": lambda tx: tx.cost(USUAL.job),
    "event": lambda tx: tx.event(USUAL.event),
    "events_after": lambda tx: tx.events_after(USUAL.event, 100),
    "request": lambda tx: tx.request(USUAL.first),
    "delivery": lambda tx: tx.delivery(USUAL.deliveries[0]),
    "order_delivery": lambda tx: tx.order_delivery(USUAL.job),
    "attempts": lambda tx: tx.attempts(USUAL.deliveries[0]),
    "claim": lambda tx: claim(tx, sink_lane("team"), 4, NOW * 2, NOW * 3),
    "claim of orders": lambda tx: tx.claim(
        [LaneLimits("order:journey", concurrency=1_000_000, at_once=4, lease_until=NOW * 3, source="journey")], NOW * 2
    ),
    "next_due": lambda tx: [next_due(tx, lane) for lane in (sink_lane("team"), sink_lane("gone"), "order:journey")],
    "lost": lambda tx: tx.lost(NOW),
    "run_out": lambda tx: tx.run_out(NOW * 3),
    "receipt": lambda tx: tx.receipt(sink_lane("team"), USUAL.job),
}


@cache
def a_past(history: str, count: int) -> SqliteTransaction:
    """One old turn unlike all others, and so many of one kind."""
    # Several are open at once, so none of them is the test's own.
    tx = SqliteTransaction(empty_in_memory(), Ids(Clock()))
    happen(tx, OLD)
    repeat(tx, HISTORIES[history], count)
    return tx


@pytest.fixture(autouse=True, scope="module")
def _forgotten() -> Iterator[None]:
    yield
    a_past.cache_clear()


def steps(tx: SqliteTransaction, work: Callable[[SqliteTransaction], object]) -> int:
    """How many steps of SQLite's machine it takes; what it writes is taken back."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    tx._db.execute("BEGIN")
    tx._db.set_progress_handler(step, 1)
    try:
        work(tx)
    finally:
        tx._db.set_progress_handler(None, 0)
        tx._db.execute("ROLLBACK")
    return count


def a_page(table: str, wanted: dict[str, Any]) -> Callable[[SqliteTransaction], object]:
    """Reads a page of a list."""
    return lambda tx: getattr(tx, table)(Filters(**wanted))


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("table", OWN)
def test_a_page_takes_as_long_however_much_there_is(table: str, history: str) -> None:
    for wanted in (*EVERYWHERE, *OWN[table]):
        few, many = (steps(a_past(history, count), a_page(table, wanted)) for count in (FEW, MANY))
        assert many <= few * FLAT + 100, (wanted, few, many)
        assert many < 400_000, (wanted, many)


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("name", READS)
def test_a_single_read_takes_as_long_however_much_there_is(name: str, history: str) -> None:
    few, many = (steps(a_past(history, count), READS[name]) for count in (FEW, MANY))
    assert many <= few * FLAT + 20, (few, many)


@pytest.mark.parametrize("since", [0, NOW // DAY * DAY, NOW + 5])
def test_a_budget_is_judged_by_few_sums_however_many_costs_there_are(since: int) -> None:
    counted = []
    for many in (2_000, 8_000):
        tx = memory_transaction()
        for job in range(1, many + 1):
            at = NOW + job * DAY * 5 // many
            tx.put_cost(
                CostRow(job=job, source="journey", rule=None, at=at, state="spent", unit="credits", amount=Decimal(2))
            )
        counted.append(steps(tx, lambda tx: tx.cost_sums(since, of=("source", "journey"))))
    assert counted[1] <= counted[0] * FLAT, counted


def test_what_waits_is_counted_without_a_look_at_what_is_over() -> None:
    few, many = (steps(a_past("usual", count), lambda tx: tx.counts()) for count in (FEW, MANY))
    assert many == few


def test_every_way_to_a_page_is_by_an_index_or_bounded() -> None:
    tx = a_past("usual", FEW)
    asked: list[str] = []
    for table, wanted in LISTED:
        tx._db.set_trace_callback(asked.append)
        a_page(table, wanted)(tx)
        tx._db.set_trace_callback(None)
    assert len(set(asked)) > 100
    for sql in set(asked):
        plan = [row[3] for row in tx._db.execute(f"EXPLAIN QUERY PLAN {sql}")]
        whole = [line for line in plan if line.startswith("SCAN") and "few" not in line and "CONSTANT" not in line]
        sorts = any("TEMP B-TREE" in line for line in plan)
        assert not sorts, (sql, plan)
        assert not whole or " LIMIT " in sql, (sql, plan)
