"""All that one run measured, as one record."""

from __future__ import annotations

import msgspec

from bench.machine.facts import Machine
from bench.measures.contest import Row
from bench.measures.drain import Drain
from bench.measures.durability import Killed
from bench.measures.engines import EngineRate
from bench.measures.growth import Growth
from bench.measures.memory import Memory
from bench.measures.neighbours import Neighbours
from bench.measures.retention import Retained
from bench.measures.steady import Steady
from bench.measures.travel import Travel
from support.replicas import ReplicaOutcome


class SlowContest(msgspec.Struct, frozen=True, kw_only=True):
    """The contest of those that keep something, with slower syncs."""

    #: By how much each sync was slowed, milliseconds.
    sync_ms: float
    rows: tuple[Row, ...]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One run; a part that was not asked for is None or empty."""

    machine: Machine
    rounds: int
    seconds: float
    connections: int
    contest: tuple[Row, ...] = ()
    killed: tuple[Killed, ...] = ()
    steady: Steady | None = None
    slow: tuple[SlowContest, ...] = ()
    travel: tuple[Travel, ...] = ()
    drains: tuple[Drain, ...] = ()
    neighbours: tuple[Neighbours, ...] = ()
    growth: Growth | None = None
    retention: Retained | None = None
    replicas: ReplicaOutcome | None = None
    memory: Memory | None = None
    engines: tuple[EngineRate, ...] = ()
    #: What was left out, and why.
    left_out: tuple[str, ...] = ()
