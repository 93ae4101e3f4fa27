"""Moments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.lib.times import stamp, unstamp


@given(st.integers(0, 4_000_000_000_000))
def test_a_stamp_reads_back_to_the_millisecond(ms: int) -> None:
    assert unstamp(stamp(ms)) == ms


def test_a_stamp_has_three_decimals_and_a_z() -> None:
    assert stamp(1_795_000_000_000) == "2026-11-18T11:06:40.000Z"


def test_a_moment_without_an_offset_is_utc() -> None:
    assert unstamp("2026-11-18T11:06:40") == unstamp("2026-11-18T12:06:40+01:00") == 1_795_000_000_000


def test_what_is_no_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        unstamp("yesterday")
