"""Destinations: what the deliveries of one lane met with lately, so that not each of them meets it anew. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

#: Until the first probe of a paused destination, ms; each time twice as long, up to a quarter of an hour.
FIRST_PROBE_MS: Final = 30_000
LONGEST_PROBE_MS: Final = 900_000


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where the deliveries of a lane go, as far as it did not take them lately."""

    #: `sink:NAME` or `order:SOURCE`
    lane: str
    #: Nothing is sent before, Unix ms: it asked for that (Retry-After), or it is paused until the next probe.
    wait_until: int = 0
    #: Failed tries in a row.
    failures: int = 0
    #: When it was paused, Unix ms; None = it is not.
    paused_at: int | None = None
    #: How often it was probed since.
    probes: int = 0

    @property
    def paused(self) -> bool:
        """True if its breaker is open: one delivery at a time tries whether it takes any again."""
        return self.paused_at is not None


def delayed(destination: Destination, until: int) -> Destination:
    """The destination after it asked to be left alone until then, Unix ms."""
    return msgspec.structs.replace(destination, wait_until=max(destination.wait_until, until))


def failed(destination: Destination, pause_after: int, now: int) -> Destination:
    """The destination after one more failed try: paused once `pause_after` of them came in a row."""
    after = msgspec.structs.replace(destination, failures=destination.failures + 1)
    if after.paused:
        return after
    if after.failures < pause_after:
        return after
    return msgspec.structs.replace(after, paused_at=now, wait_until=max(after.wait_until, now + FIRST_PROBE_MS))


def probe_failed(destination: Destination, now: int) -> Destination:
    """A paused destination after a probe that failed: the next one comes later."""
    wait = min(LONGEST_PROBE_MS, FIRST_PROBE_MS << min(destination.probes + 1, 10))
    return msgspec.structs.replace(
        destination, probes=destination.probes + 1, wait_until=max(destination.wait_until, now + wait)
    )
