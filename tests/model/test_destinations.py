"""What a destination met with lately."""

from __future__ import annotations

import itertools

from receiver.model.destinations import (
    FIRST_PROBE_MS,
    LONGEST_PROBE_MS,
    Destination,
    delayed,
    failed,
    probe_failed,
)
from support.records import NOW

TEAM = Destination(lane="sink:team")


def test_it_is_paused_after_so_many_failures_in_a_row() -> None:
    once = failed(TEAM, 2, NOW)
    assert (once.paused, once.failures, once.wait_until) == (False, 1, 0)
    twice = failed(once, 2, NOW)
    assert (twice.paused_at, twice.wait_until) == (NOW, NOW + FIRST_PROBE_MS)


def test_probes_come_ever_later_up_to_a_quarter_of_an_hour() -> None:
    paused = failed(TEAM, 1, NOW)
    waits = []
    for _ in range(8):
        paused = probe_failed(paused, paused.wait_until)
        waits.append(paused.wait_until)
    gaps = [later - sooner for sooner, later in itertools.pairwise(waits)]
    assert gaps[:3] == [4 * FIRST_PROBE_MS, 8 * FIRST_PROBE_MS, 16 * FIRST_PROBE_MS]
    assert gaps[-1] == LONGEST_PROBE_MS


def test_of_two_waits_the_longer_one_holds() -> None:
    assert delayed(delayed(TEAM, NOW + 60_000), NOW + 5_000).wait_until == NOW + 60_000
