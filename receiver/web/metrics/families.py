"""The families of `/metrics`: what is counted, under the names and in the units that Prometheus is used to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import Final, TypeVar, get_args

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from receiver.contracts.counts import AttemptCounts, ReplicaState, StoreCounts
from receiver.lib.tallies import BitHistogram, Tally
from receiver.model.deliveries import OrderOutcome, Outcome
from receiver.model.jobs import LIVE, WAITING, JobWarning
from receiver.model.requests import RequestState, Unproven
from receiver.views.costs import BudgetState, CostLine
from receiver.views.gauges import Gauges, LaneGauges
from receiver.web.http.load import ServerLoad

#: The values of a family's labels.
K = TypeVar("K", bound=tuple[str, ...])

_Counted = dict[tuple[str, ...], int]

#: The statuses of jobs that are not over.
OPEN: Final = tuple(sorted(WAITING | LIVE))
#: The types of events that are there from the start, as zeros: alerts go by them.
ZEROS: Final = ("job.completed", "job.failed", "job.canceled", "job.held", "job.unsure")
#: What may become of a webhook to a source, and why one is refused: without zeros the first would be no increase.
WEBHOOKS: Final = (*get_args(RequestState), "duplicate", "unavailable")
REASONS: Final = get_args(Unproven)
WARNINGS: Final = get_args(JobWarning)
#: What may become of a try.
DELIVERED: Final = tuple(one.__struct_config__.tag for one in get_args(Outcome))
ORDERED: Final = tuple(one.__struct_config__.tag for one in get_args(OrderOutcome))
#: Bits of the smallest and of the largest bucket: 1 ms to 32 s, 64 µs to 4 s, 1 to 4095 writes.
MS_BITS: Final = (0, 15)
US_BITS: Final = (6, 22)
SIZE_BITS: Final = (1, 12)


def counted(
    requests: Tally,
    refused: Tally,
    request_ms: BitHistogram,
    attempts: AttemptCounts,
    store: StoreCounts,
    sources: Collection[str],
    sinks: Collection[str],
) -> Iterator[Metric]:
    """What was counted since the start; zeros for what could be, of these sources and sinks."""
    all_requests, all_refused = _zeros(sources, WEBHOOKS) | requests, _zeros(sources, REASONS) | refused
    yield _counter("gridhook_requests", "Webhooks by what became of them.", ["source", "outcome"], all_requests)
    yield _counter("gridhook_requests_refused", "Webhooks by why they were refused.", ["source", "reason"], all_refused)
    yield _times_ms("gridhook_request_duration_seconds", "How long webhooks waited for their answers.", request_ms)
    yield _times_of(
        "gridhook_commit_duration_seconds", "How long commits took.", store.commit_us, US_BITS, per_second=1_000_000
    )
    sizes = HistogramMetricFamily("gridhook_commit_writes", "Writes that shared one commit.")
    # A value of n bits is at most 2**n - 1.
    steps = [(_bound(below - 1), number) for below, number in store.commit_sizes.buckets(*SIZE_BITS)]
    sizes.add_metric([], [*steps, ("+Inf", store.commit_sizes.total)], store.commit_sizes.sum)
    yield sizes
    events = _zeros(sources, ZEROS) | store.events
    text = "Events that were kept; without a source those of sinks."
    yield _counter("gridhook_events", text, ["source", "type"], events)
    yield from _tries("delivery", "sink", _zeros(sinks, DELIVERED) | attempts.deliveries, attempts.delivery_ms)
    yield from _tries("order", "source", _zeros(sources, ORDERED) | attempts.orders, attempts.order_ms)


def _tries(what: str, label: str, tries: _Counted, times_ms: Mapping[str, BitHistogram]) -> Iterator[Metric]:
    """Tries at deliveries or orders, and how long they took."""
    yield _counter(f"gridhook_{what}_attempts", f"Tries at a {what} by outcome.", [label, "outcome"], tries)
    none = {name: BitHistogram() for name, _ in tries}
    text = f"How long tries at a {what} took."
    yield _attempts_ms(f"gridhook_{what}_attempt_duration_seconds", text, label, none | dict(times_ms))


def _zeros(names: Iterable[str], words: Iterable[str]) -> _Counted:
    return {(name, word): 0 for name in names for word in words}


@cache
def _build() -> Metric:
    """Once for all scrapes: to read the version, the whole README in the package's metadata is parsed."""
    build = GaugeMetricFamily("gridhook_build_info", "Always 1: which gridhook this is.", labels=["version"])
    build.add_metric([version("gridhook")], 1)
    return build


def process_facts(load: ServerLoad, *, leads: bool) -> Iterator[Metric]:
    """What runs, whether it leads, and what its connections hold."""
    yield _build()
    leader = "1 if this process does what one does for all: looks, retention, recovery."
    yield GaugeMetricFamily("gridhook_leader", leader, value=int(leads))
    yield GaugeMetricFamily("gridhook_connections", "Open connections.", value=len(load.connections))
    yield GaugeMetricFamily("gridhook_unread_bytes", "Held of requests that are not answered yet.", value=load.unread)
    what = {"refused": load.turned_away, "made_way": load.made_way, "busy": load.overloaded}
    yield _counter(
        "gridhook_connections_full",
        "Connections refused (refused) or closed for others (made_way), requests refused (busy): there was no room.",
        ["what"],
        {(name,): number for name, number in what.items()},
    )


def replica_facts(state: ReplicaState) -> Iterator[Metric]:
    """Where this process stands among those on its database."""
    yield GaugeMetricFamily("gridhook_replica_slot", "The number of this process among them.", value=state.slot)
    again = "How often the database was found again after it was away."
    yield CounterMetricFamily("gridhook_database_reconnects", again, value=state.reconnects)


def stored(found: Gauges | None, now: int) -> Iterator[Metric]:
    """What the store holds at `now` (Unix ms); None = it could not be read."""
    up = GaugeMetricFamily("gridhook_store_up", "1 if the store could be read just now.", value=int(found is not None))
    yield up
    if found is None:
        return
    counts = found.counts
    yield from _of_database(counts.wal_bytes, found.database_bytes)
    yield GaugeMetricFamily("gridhook_replicas", "Processes that share the database and live.", value=counts.replicas)
    states = {(status,): number for status, number in counts.deliveries.items() if status != "unseen"}
    yield _gauge("gridhook_deliveries", "Deliveries that wait, run or were given up.", ["status"], states)
    jobs = {(lane.name, status): 0 for lane in found.orders for status in OPEN} | counts.jobs
    yield _gauge("gridhook_jobs_open", "Jobs that are not over.", ["source", "status"], jobs)
    warnings = {(lane.name, word): 0 for lane in found.orders for word in WARNINGS} | counts.warnings
    yield _gauge("gridhook_job_warnings", "Jobs that ended with a warning.", ["source", "warning"], warnings)
    yield from _lanes("sink", "deliveries", found.sinks, now)
    yield from _lanes("source", "orders", found.orders, now)
    yield _gauge(
        "gridhook_source_stopped",
        "1 if the source's account refuses orders: none are sent.",
        ["source"],
        {(lane.name,): int(lane.name in found.stopped) for lane in found.orders},
    )
    yield _gauge(
        "gridhook_source_last_webhook_timestamp_seconds",
        "When the last verified webhook came; nothing where none is known.",
        ["source"],
        {(name,): at / 1000 for name, at in found.webhooks.items()},
    )
    yield from _money(found.budgets, found.costs)


def _of_database(wal_bytes: int | None, database_bytes: int) -> Iterator[Metric]:
    """What SQLite's files hold; a server's database sees to its room by itself."""
    if wal_bytes is None:
        return
    wal = "Size of the -wal: it grows while a reader stands open."
    yield GaugeMetricFamily("gridhook_wal_bytes", wal, value=wal_bytes)
    yield GaugeMetricFamily("gridhook_database_bytes", "Size of the database.", value=database_bytes)


def _lanes(label: str, what: str, lanes: Iterable[LaneGauges], now: int) -> Iterator[Metric]:
    """What waits for sinks or vendors; `what` are deliveries or orders."""
    lanes = list(lanes)
    waiting = {(lane.name,): lane.pending for lane in lanes}
    yield _gauge(f"gridhook_{what}_pending", f"Of the {what}, those that wait; 10,000 at most.", [label], waiting)
    due = {(lane.name,): lane.due for lane in lanes}
    text = f"Of the {what} that wait, those that could be sent now; 10,000 at most."
    yield _gauge(f"gridhook_{what}_due", text, [label], due)
    ages = {(lane.name,): 0 if lane.oldest_at is None else max(0, now - lane.oldest_at) / 1000 for lane in lanes}
    age = f"How long the oldest of the {what} that wait has been there; 0 if none waits."
    yield _gauge(f"gridhook_{what}_oldest_pending_age_seconds", age, [label], ages)
    failures = {(lane.name,): lane.failures for lane in lanes}
    yield _gauge(f"gridhook_{label}_failures_in_a_row", f"Failed tries of {what} in a row.", [label], failures)
    paused = {(lane.name,): int(lane.is_paused) for lane in lanes}
    breaker = f"1 if its breaker is open: nothing but probes of {what} is sent there."
    yield _gauge(f"gridhook_{label}_breaker_open", breaker, [label], paused)


def _money(budgets: Iterable[BudgetState], costs: Iterable[CostLine]) -> Iterator[Metric]:
    labels = ["scope", "name", "unit", "per"]
    states = {(one.scope, one.name, one.unit, one.per): one for one in budgets}
    limits = {key: float(one.amount) for key, one in states.items()}
    used = {key: float(one.used) for key, one in states.items()}
    left = {key: float(one.left) for key, one in states.items()}
    yield _gauge("gridhook_budget_limit", "What a budget allows in each period.", labels, limits)
    yield _gauge("gridhook_budget_used", "Spent and reserved in the present period.", labels, used)
    yield _gauge("gridhook_budget_left", "What is left of a budget in the present period.", labels, left)
    spent: dict[tuple[str, str, str], float] = {}
    for line in costs:
        spent[line.name or "", line.unit, "spent"] = float(line.spent)
        spent[line.name or "", line.unit, "reserved"] = float(line.reserved)
    text = "What jobs cost since the month began."
    yield _gauge("gridhook_costs_this_month", text, ["source", "unit", "state"], spent)


def _counter(name: str, text: str, labels: list[str], values: Mapping[K, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, number in sorted(values.items()):
        family.add_metric(list(key), number)
    return family


def _gauge(name: str, text: str, labels: list[str], values: Mapping[K, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, number in sorted(values.items()):
        family.add_metric(list(key), number)
    return family


def _times_ms(name: str, text: str, values: BitHistogram) -> Metric:
    return _times_of(name, text, values, MS_BITS, per_second=1000)


def _times_of(name: str, text: str, values: BitHistogram, bits: tuple[int, int], *, per_second: int) -> Metric:
    family = HistogramMetricFamily(name, text)
    _add_times(family, [], values, bits, per_second)
    return family


def _attempts_ms(name: str, text: str, label: str, values: Mapping[str, BitHistogram]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=[label])
    for key, histogram in sorted(values.items()):
        _add_times(family, [key], histogram, MS_BITS, 1000)
    return family


def _add_times(
    family: HistogramMetricFamily, labels: list[str], values: BitHistogram, bits: tuple[int, int], per_second: int
) -> None:
    """Times are cut to whole units, so that one below a bound was shorter than it."""
    steps = [(_bound(below / per_second), number) for below, number in values.buckets(*bits)]
    family.add_metric(labels, [*steps, ("+Inf", values.total)], values.sum / per_second)


def _bound(value: float) -> str:
    """A bucket's bound, as Prometheus writes numbers."""
    return str(float(value))
