"""The histogram against sorted lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.load.histogram import (
    BUCKETS,
    LARGEST,
    Histogram,
    bucket_of,
    from_sparse,
    upper_edge,
)


def filled(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(st.lists(st.integers(0, 10_000_000), min_size=1), st.sampled_from([1, 50, 95, 99, 99.9, 100]))
def test_a_percentile_is_that_of_the_sorted_values_to_one_percent(values: list[int], percent: float) -> None:
    place = max(0, -(-len(values) * percent // 100) - 1)
    wanted = sorted(values)[int(place)]
    found = filled(values).percentile(percent)
    assert wanted <= found <= wanted * 1.01 + 1


@given(st.integers(0, LARGEST))
def test_every_value_has_a_bucket_whose_edges_hold_it(value: int) -> None:
    bucket = bucket_of(value)
    assert 0 <= bucket < BUCKETS
    assert value <= upper_edge(bucket)
    assert bucket == 0 or upper_edge(bucket - 1) < value


@given(st.lists(st.integers(0, 100_000)), st.lists(st.integers(0, 100_000)))
def test_merging_counts_what_both_counted(left: list[int], right: list[int]) -> None:
    merged = filled(left)
    merged.merge(filled(right))
    both = filled(left + right)
    assert (merged.counts, merged.largest) == (both.counts, both.largest)


def test_a_histogram_survives_the_way_between_processes() -> None:
    before = filled([3, 700, 700, 90_000])
    after = from_sparse(before.sparse(), before.largest)
    assert after.latency() == before.latency()
    assert after.total == 4


def test_what_cannot_be_counted_is_counted_at_the_edge() -> None:
    histogram = filled([-5, LARGEST * 9])
    assert histogram.total == 2
    assert histogram.percentile(1) == 0
    assert histogram.largest == LARGEST


def test_an_empty_histogram_says_zero() -> None:
    latency = Histogram().latency()
    assert (latency.p50, latency.p99, latency.max, latency.count) == (0, 0, 0, 0)


def test_latencies_are_in_milliseconds() -> None:
    latency = filled([1000] * 99 + [50_000]).latency()
    assert 1.0 <= latency.p50 <= 1.01
    assert latency.max == 50.0
