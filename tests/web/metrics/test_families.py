"""The families: their names, units and values, by the official parser."""

from __future__ import annotations

import pytest

from support.every_metric import everything
from support.prometheus_rules import families, faults


def test_every_family_is_as_prometheus_wants_it() -> None:
    text = everything()
    assert faults(text) == []
    assert all(family.samples for family in families(text).values()), "this page leaves something out"


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("# TYPE gridhook_a gauge\ngridhook_a 1\n", "no help"),
        ("# HELP gridhook_a a\n# TYPE gridhook_a counter\ngridhook_a 1\n", "without _total"),
        ("# HELP gridhook_a_total a\n# TYPE gridhook_a_total counter\ngridhook_a_total -1\n", "goes down"),
        ("# HELP gridhook_wait_ms a\n# TYPE gridhook_wait_ms gauge\ngridhook_wait_ms 1\n", "base unit"),
        ("# HELP gridhook_gauge_a a\n# TYPE gridhook_gauge_a gauge\ngridhook_gauge_a 1\n", "names its type"),
        ("# HELP gridhook_a a\n# TYPE gridhook_a gauge\ngridhook_a 1\ngridhook_a 2\n", "twice"),
    ],
)
def test_what_would_be_wrong_is_seen(page: str, fault: str) -> None:
    assert any(fault in one for one in faults(page))


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        ('gridhook_requests_total{outcome="mapped",source="journey"}', 2),
        ('gridhook_request_duration_seconds_bucket{le="0.001"}', 1),
        ('gridhook_request_duration_seconds_bucket{le="0.008"}', 3),
        ("gridhook_request_duration_seconds_sum", 1.008),
        ('gridhook_commit_writes_bucket{le="7.0"}', 3),
        ('gridhook_commit_writes_bucket{le="+Inf"}', 4),
        ('gridhook_commit_duration_seconds_bucket{le="6.4e-05"}', 3),
        ('gridhook_events_total{source="journey",type="job.failed"}', 0),
        ('gridhook_delivery_attempts_total{outcome="delivered",sink="team"}', 1),
        ('gridhook_order_attempt_duration_seconds_count{source="journey"}', 1),
        ('gridhook_jobs_open{source="journey",status="held"}', 0),
        ('gridhook_jobs_open{source="journey",status="unsure"}', 1),
        ('gridhook_deliveries_due{sink="team"}', 2),
        ("gridhook_replicas", 2),
        ('gridhook_delivery_attempts_total{outcome="dead",sink="team"}', 0),
        ('gridhook_order_attempts_total{outcome="unsure",source="journey"}', 0),
        ('gridhook_requests_total{outcome="unavailable",source="journey"}', 0),
        ('gridhook_deliveries_oldest_pending_age_seconds{sink="team"}', 1.5),
        ('gridhook_orders_oldest_pending_age_seconds{source="journey"}', 0),
        ('gridhook_sink_breaker_open{sink="team"}', 1),
        ('gridhook_source_stopped{source="journey"}', 1),
        ('gridhook_budget_left{name="journey",per="day",scope="source",unit="credits"}', 187.5),
        ('gridhook_costs_this_month{source="journey",state="spent",unit="credits"}', 3),
    ],
)
def test_values_stand_where_they_belong(sample: str, value: float) -> None:
    found = dict(line.rsplit(" ", 1) for line in everything().splitlines() if line.startswith("gridhook_"))
    assert float(found[sample]) == pytest.approx(value)
