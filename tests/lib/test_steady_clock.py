"""The clock that goes evenly."""

from __future__ import annotations

import time

from receiver.lib.steady_clock import SteadyClock, since_boot_ns, this_boot
from receiver.lib.times import system_clock
from support.clocks import SettableClock
from support.records import NOW


def test_it_goes_on_evenly_though_the_wall_clock_is_set_until_it_is_told_to_follow() -> None:
    clock = SettableClock()
    clock.pass_by(5)
    clock.set_by(-3600)
    assert (clock(), clock.steady.off_by()) == (NOW + 5_000, -3_600_000)
    clock.pass_by(5)
    reading = clock.steady.follow()
    assert clock() == reading.wall == NOW + 10_000 - 3_600_000
    assert clock.steady.off_by() == 0


def test_it_shows_what_the_machine_does() -> None:
    clock = SteadyClock()
    assert abs(clock() - system_clock()) < 1_000
    assert abs(clock.off_by()) < 1_000


def test_two_clocks_that_are_read_far_apart_are_read_again() -> None:
    steady = iter([1_000, 9_000, 9_000, 9_001, *[9_001] * 10])
    clock = SteadyClock(lambda: NOW, lambda: next(steady) * 1_000_000, "a boot")
    assert clock.follow().steady == 9_001


def test_a_boot_stays_the_same_and_time_since_it_passes() -> None:
    assert this_boot() == this_boot() != ""
    before = since_boot_ns()
    assert before <= since_boot_ns() <= before + time.monotonic_ns()
