"""Which core the server gets and which the load: on the same one they would measure each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec


class Cores(msgspec.Struct, frozen=True, kw_only=True):
    """Sets of cores; None = wherever the system likes."""

    server: frozenset[int] | None = None
    load: frozenset[int] | None = None

    @property
    def pinned(self) -> bool:
        """Whether server and load are kept apart."""
        return self.server is not None


def two_cores() -> Cores:
    """Returns the first core for the server and the second for the load; where there is only one, nothing is pinned."""
    free = sorted(os.sched_getaffinity(0))
    if len(free) < 2:
        return Cores()
    return Cores(server=frozenset(free[:1]), load=frozenset(free[1:2]))


@contextmanager
def on(cores: frozenset[int] | None) -> Iterator[None]:
    """What is started meanwhile stays on these cores."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
