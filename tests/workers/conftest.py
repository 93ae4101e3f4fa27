"""Every work of the store is run five times here, cut off on the way: none may do anything but by its transaction."""

from __future__ import annotations

import pytest

from support.reruns import works_run_five_times

__all__ = ["works_run_five_times"]


@pytest.fixture(autouse=True)
def _any_number_of_times(loggers_forget: None, works_run_five_times: None) -> None:
    """Applies it to all tests of this folder."""
