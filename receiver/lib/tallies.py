"""Kept counters: plain integers that cost next to nothing to count in, read when somebody asks for them."""

from __future__ import annotations

from typing import Final, NamedTuple

#: Numbers of bits that are told apart.
BITS: Final = 64


class Tally(dict[tuple[str, ...], int]):
    """How often something happened, by its labels. Labels come from a bounded set: words of ours and names."""

    def add(self, *labels: str) -> None:
        """Counts one."""
        self[labels] = self.get(labels, 0) + 1


class Bucket(NamedTuple):
    """How many values were below `below`."""

    below: int
    number: int


class BitHistogram:
    """Counts whole numbers by how many bits they have, so that each is one step, and each bucket twice the last."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        #: By number of bits.
        self.counts = [0] * BITS
        #: Of all values.
        self.sum = 0

    def add(self, value: int) -> None:
        """Counts one value; what is negative (a clock was set back) counts as 0."""
        if value > 0:
            self.counts[value.bit_length()] += 1
            self.sum += value
        else:
            self.counts[0] += 1

    @property
    def total(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def buckets(self, fewest: int, most: int) -> list[Bucket]:
        """How many values have at most so many bits, for `fewest` to `most` bits: a value of n bits is below 2**n."""
        counts = list(self.counts)
        return [Bucket(1 << bits, sum(counts[: bits + 1])) for bits in range(fewest, most + 1)]
