"""How sources and sinks do: figures of the last day, of no more than the newest rows, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from receiver.contracts import Counts, MissingWebhooks, Sink, Source, Transaction
from receiver.contracts.setup import Setup
from receiver.contracts.traces import DeliveryTrace, JobTrace, RequestTrace
from receiver.lib.times import stamp
from receiver.model.deliveries import order_lane, sink_lane
from receiver.model.destinations import Destination
from receiver.model.jobs import LIVE
from receiver.views.costs import BudgetState, StoppedSource, budget_states, stopped_sources

#: So many of the newest jobs, deliveries and requests are looked at, and none that is older than a day.
LOOKED_AT: Final = 1000
SPAN_MS: Final = 86_400_000
LEAST_MS: Final = 900_000
#: Points of a curve.
POINTS: Final = 48


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took, ms; None where nothing of the kind happened."""

    median_ms: int | None = None
    #: 95 % took no longer.
    p95_ms: int | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The time that figures are of, Unix ms."""

    since: int
    until: int

    @property
    def hours(self) -> float:
        """How long it is."""
        return max(self.until - self.since, 1) / 3_600_000

    def place(self, at: int) -> int | None:
        """In which of the points a moment falls; None if it lies outside."""
        if not self.since <= at <= self.until:
            return None
        return min((at - self.since) * POINTS // max(self.until - self.since, 1), POINTS - 1)


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a source does."""

    name: str
    provider: str
    #: Jobs of the span, and how many of them failed.
    jobs: int
    failed: int
    #: Jobs an hour.
    rate: float
    #: From the order to the result.
    took: Durations
    #: Jobs a point, and the durations of those that were over then.
    counts: tuple[int, ...]
    curve: tuple[Durations, ...]
    #: Of its jobs that completed, percent; None = none did.
    by_webhook: int | None
    #: RFC 3339; None = none among the newest requests.
    last_webhook: str | None
    #: Jobs that the vendor works on now, and how many there may be at once.
    live: int
    concurrency: int
    budget: BudgetState | None
    stopped: StoppedSource | None
    missing: MissingWebhooks | None
    #: Where its orders do not get through: until when nothing is tried, RFC 3339.
    paused_until: str | None


class SinkHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a sink does."""

    name: str
    handler: str
    #: Deliveries of the span by what became of them; `retried` took more than one try.
    done: int
    retried: int
    dead: int
    #: Deliveries an hour.
    rate: float
    #: How long it took to answer.
    took: Durations
    curve: tuple[Durations, ...]
    #: Deliveries that wait, 10,000 at most.
    waiting: int
    #: Failed tries in a row.
    failures: int
    #: Until when nothing is tried there, RFC 3339; None = it is not paused.
    paused_until: str | None


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """How everything does."""

    #: RFC 3339: since when there are figures of jobs, and of deliveries.
    jobs_since: str
    deliveries_since: str
    sources: tuple[SourceHealth, ...]
    sinks: tuple[SinkHealth, ...]


def health(tx: Transaction, setup: Setup, sinks: Iterable[Sink], now: int) -> HealthReport:
    """How sources and sinks do at `now`, Unix ms."""
    jobs, deliveries = tx.job_traces(LOOKED_AT), tx.delivery_traces(LOOKED_AT)
    of_jobs = _span([one.made_at for one in jobs], now)
    of_deliveries = _span([one.made_at for one in deliveries], now)
    return HealthReport(
        jobs_since=stamp(of_jobs.since),
        deliveries_since=stamp(of_deliveries.since),
        sources=tuple(_sources(tx, setup, jobs, of_jobs, now)),
        sinks=tuple(_sink(tx, sink, deliveries, of_deliveries, now) for sink in sinks),
    )


def last_webhooks(requests: Iterable[RequestTrace]) -> dict[str, int]:
    """When the last webhook of each source came, Unix ms; `requests` are the latest first."""
    found: dict[str, int] = {}
    for one in requests:
        found.setdefault(one.source, one.at)
    return found


def durations(took_ms: Iterable[int]) -> Durations:
    """Median and 95th percentile (nearest rank)."""
    ranked = sorted(took_ms)
    if not ranked:
        return Durations()
    last = len(ranked) - 1
    return Durations(median_ms=ranked[last // 2], p95_ms=ranked[min(last, -(-len(ranked) * 95 // 100) - 1)])


def _span(moments: Sequence[int], now: int) -> Span:
    """The last day, or less: as far back as was looked, or there was anything, but a quarter of an hour at least."""
    oldest = min(moments[-1] if moments else now, now - LEAST_MS)
    return Span(since=max(now - SPAN_MS, moments[-1] if len(moments) == LOOKED_AT else oldest), until=now)


def _sources(tx: Transaction, setup: Setup, jobs: Sequence[JobTrace], span: Span, now: int) -> Iterable[SourceHealth]:
    heard = last_webhooks(tx.request_traces(LOOKED_AT))
    budgets = {one.name: one for one in budget_states(tx, setup, now) if one.scope == "source"}
    stopped = {one.source: one for one in stopped_sources(tx)}
    counts = tx.counts()
    for name, source in setup.sources.items():
        mine = [one for one in jobs if one.source == name and span.place(one.made_at) is not None]
        done = [one for one in mine if one.by_webhook is not None]
        at = heard.get(name)
        yield SourceHealth(
            name=name,
            provider=source.provider.name,
            jobs=len(mine),
            failed=sum(one.status == "failed" for one in mine),
            rate=len(mine) / span.hours,
            took=durations(took for one in mine if (took := _took(one)) is not None),
            counts=_counted(span, [one.made_at for one in mine]),
            curve=_curve(span, [(one.finished_at or 0, took) for one in mine if (took := _took(one)) is not None]),
            by_webhook=round(100 * sum(one.by_webhook is True for one in done) / len(done)) if done else None,
            last_webhook=None if at is None else stamp(at),
            live=_live(counts, source),
            concurrency=source.concurrency,
            budget=budgets.get(name),
            stopped=stopped.get(name),
            missing=tx.missing_webhooks(name),
            paused_until=_paused_until(tx.destination(order_lane(name)), now),
        )


def _sink(tx: Transaction, sink: Sink, deliveries: Sequence[DeliveryTrace], span: Span, now: int) -> SinkHealth:
    lane = sink_lane(sink.name)
    mine = [one for one in deliveries if one.lane == lane and span.place(one.made_at) is not None]
    timed = [(one.made_at, one.took_ms) for one in mine if one.took_ms is not None]
    destination = tx.destination(lane)
    return SinkHealth(
        name=sink.name,
        handler=sink.handler_name,
        done=sum(one.state == "done" for one in mine),
        retried=sum(one.attempt > 1 for one in mine),
        dead=sum(one.state == "dead" for one in mine),
        rate=len(mine) / span.hours,
        took=durations(took for _, took in timed),
        curve=_curve(span, timed),
        waiting=tx.pending(lane),
        failures=destination.failures if destination is not None else 0,
        paused_until=_paused_until(destination, now),
    )


def _took(job: JobTrace) -> int | None:
    """From the order (or the first word of it) to the result, ms; None of what has none."""
    if job.status != "completed" or job.finished_at is None:
        return None
    return max(0, job.finished_at - (job.submitted_at or job.made_at))


def _live(counts: Counts, source: Source) -> int:
    return sum(count for (name, status), count in counts.jobs.items() if name == source.name and status in LIVE)


def _counted(span: Span, moments: Iterable[int]) -> tuple[int, ...]:
    counts = [0] * POINTS
    for at in moments:
        place = span.place(at)
        if place is not None:
            counts[place] += 1
    return tuple(counts)


def _curve(span: Span, timed: Iterable[tuple[int, int]]) -> tuple[Durations, ...]:
    """The durations of each point of the span; `timed` are moments and what took how long then."""
    points: list[list[int]] = [[] for _ in range(POINTS)]
    for at, took in timed:
        place = span.place(at)
        if place is not None:
            points[place].append(took)
    return tuple(durations(point) for point in points)


def _paused_until(destination: Destination | None, now: int) -> str | None:
    return stamp(max(destination.wait_until, now)) if destination is not None and destination.paused else None
