"""Latencies, counted in buckets whose width grows with the value: small, mergeable, exact to 1 %."""

from __future__ import annotations

from typing import Final

import msgspec

#: Values below are counted exactly; above, a bucket is a 128th of its power of two wide.
EXACT_BITS: Final = 8
HALF: Final = 1 << (EXACT_BITS - 1)
#: About 19 hours in microseconds; longer ones are counted as this.
LARGEST: Final = (1 << 36) - 1
BUCKETS: Final = (36 - EXACT_BITS + 2) * HALF


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """A histogram in five numbers, milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float
    count: int


class Histogram:
    """Counts of values in microseconds."""

    def __init__(self) -> None:
        self.counts: list[int] = [0] * BUCKETS
        self.largest = 0

    def add(self, micros: int) -> None:
        """Counts one value; a negative one counts as 0."""
        value = min(max(micros, 0), LARGEST)
        self.counts[bucket_of(value)] += 1
        self.largest = max(self.largest, value)

    def merge(self, other: Histogram) -> None:
        """Adds what another one counted."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.largest = max(self.largest, other.largest)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def percentile(self, percent: float) -> int:
        """Returns the value that so many percent of all do not exceed, in microseconds (to 1 %); 0 without values."""
        total = self.total
        if total == 0:
            return 0
        wanted = max(1.0, total * percent / 100)
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return min(upper_edge(bucket), self.largest)
        return self.largest

    def latency(self) -> Latency:
        """Returns the five numbers."""
        return Latency(
            p50=self.percentile(50) / 1000,
            p95=self.percentile(95) / 1000,
            p99=self.percentile(99) / 1000,
            max=self.largest / 1000,
            count=self.total,
        )

    def sparse(self) -> dict[int, int]:
        """Returns the buckets that are not empty, for carrying it between processes."""
        return {bucket: count for bucket, count in enumerate(self.counts) if count}


def from_sparse(buckets: dict[int, int], largest: int) -> Histogram:
    """Returns the histogram that `sparse` and `largest` were taken from."""
    histogram = Histogram()
    for bucket, count in buckets.items():
        histogram.counts[bucket] = count
    histogram.largest = largest
    return histogram


def bucket_of(value: int) -> int:
    """Returns the bucket that a value from 0 to `LARGEST` is counted in."""
    shift = max(0, value.bit_length() - EXACT_BITS)
    return shift * HALF + (value >> shift)


def upper_edge(bucket: int) -> int:
    """Returns the largest value that is counted in a bucket."""
    shift = max(0, bucket // HALF - 1)
    return ((bucket - shift * HALF + 1) << shift) - 1
