"""What a load generator is told, and what it tells."""

from __future__ import annotations

import msgspec

from bench.load.histogram import Histogram, from_sparse


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, and how."""

    port: int
    path: str
    headers: dict[str, str] = {}
    #: 8 hex digits, another one for each run: makes task ids distinct.
    prefix: str
    connections: int = 64
    seconds: float
    #: Requests a second, sent by the clock; None = each connection sends when it was answered.
    rate: float | None = None
    #: The most requests.
    limit: int = 100_000_000
    #: Where to write the numbers of the acknowledged requests, 8 bytes each; None = nowhere.
    acknowledged: str | None = None
    #: Whether picks are reported, from which orders follow, or grids.
    picks: bool = False
    #: Whether to tell when each request went out.
    timed: bool = False


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    sent: int
    #: Requests answered with 2xx.
    acknowledged: int
    #: Other answers, by status.
    refused: dict[int, int] = {}
    #: Requests that were never answered.
    lost: int = 0
    #: From the first request to the last answer.
    seconds: float
    #: Latencies of the acknowledged ones in microseconds, as `Histogram.sparse` returns them.
    buckets: dict[int, int]
    largest: int
    #: Longest time without any answer, milliseconds.
    silence_ms: float = 0.0
    #: How late the generator itself was at worst, milliseconds; only with a rate.
    late_ms: float = 0.0
    #: When each request went out, by its number, on the clock that all processes of a machine share (monotonic),
    #: seconds; only if the load is timed.
    sent_at: list[float] = []

    @property
    def rate(self) -> float:
        """Acknowledged requests a second."""
        return self.acknowledged / self.seconds if self.seconds > 0 else 0.0

    @property
    def errors(self) -> int:
        """Requests that were refused or lost."""
        return self.lost + sum(self.refused.values())

    def histogram(self) -> Histogram:
        """Returns the latencies."""
        return from_sparse(self.buckets, self.largest)
