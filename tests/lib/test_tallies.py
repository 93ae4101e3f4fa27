"""Kept counters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from receiver.lib.tallies import BitHistogram, Tally


def test_each_set_of_labels_is_counted_for_itself() -> None:
    tally = Tally()
    for labels in (("a", "b"), ("a", "c"), ("a", "b")):
        tally.add(*labels)
    assert tally == {("a", "b"): 2, ("a", "c"): 1}


@given(st.lists(st.integers(min_value=-5, max_value=1 << 40)))
def test_a_bucket_holds_what_is_below_its_bound(values: list[int]) -> None:
    histogram = BitHistogram()
    for value in values:
        histogram.add(value)
    counted = [max(0, value) for value in values]
    assert (histogram.total, histogram.sum) == (len(counted), sum(counted))
    for below, number in histogram.buckets(0, 45):
        assert number == sum(value < below for value in counted)
