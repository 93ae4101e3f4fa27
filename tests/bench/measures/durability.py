"""Durability: `kill -9` under load, then every acknowledged event is looked for."""

from __future__ import annotations

import array
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.contestants.contestant import Contestant
from bench.load.generators import Generator, aimed
from bench.load.payload import task_id
from bench.machine.servers import serving
from bench.measures.contest import Plan
from bench.progress import Say

#: How long the load runs before the server is killed, seconds; never the same, to hit other moments.
BEFORE: Final = (2.0, 2.13, 1.87)
#: How long a generator takes to start, seconds.
STARTING: Final = 0.5
#: How long the load would go on, seconds.
LOAD: Final = 6.0


class Killed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the acknowledged events of one contestant that was killed under load."""

    name: str
    kills: int
    acknowledged: int
    #: Acknowledged, but not there after the kill.
    missing: int

    @property
    def durable(self) -> bool:
        """Whether everything that was acknowledged is there."""
        return self.acknowledged > 0 and self.missing == 0


def kill_each(contestants: Sequence[Contestant], plan: Plan, say: Say) -> list[Killed]:
    """Kills those that keep something, in turn, `plan.rounds` times each, and returns what became of their events."""
    keepers = [one for one in contestants if one.kept is not None]
    results = {one.name: Killed(name=one.name, kills=0, acknowledged=0, missing=0) for one in keepers}
    for number in range(plan.rounds):
        for one in keepers:
            acknowledged, missing = _kill(one, plan, BEFORE[number % len(BEFORE)])
            say(f"kill -9 {number + 1}/{plan.rounds}  {one.name}: {acknowledged:,} acknowledged, {missing:,} missing")
            sofar = results[one.name]
            results[one.name] = msgspec.structs.replace(
                sofar,
                kills=sofar.kills + 1,
                acknowledged=sofar.acknowledged + acknowledged,
                missing=sofar.missing + missing,
            )
    return list(results.values())


def _kill(contestant: Contestant, plan: Plan, seconds: float) -> tuple[int, int]:
    folder = plan.folder / "killed"
    numbers = plan.folder / "acknowledged"
    try:
        with serving(contestant, folder, plan.cores.server) as server:
            load = msgspec.structs.replace(aimed(contestant, server, LOAD, plan.connections), acknowledged=str(numbers))
            generator = Generator(load, plan.cores.load, folder)
            try:
                time.sleep(STARTING + seconds)
                server.kill()
                generator.answers()
            finally:
                generator.end()
        acknowledged = {task_id(load.prefix, number) for number in _read(numbers)}
        kept = contestant.kept(folder) if contestant.kept else set()
        return len(acknowledged), len(acknowledged - kept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        numbers.unlink(missing_ok=True)


def _read(file: Path) -> array.array[int]:
    numbers = array.array("q")
    numbers.frombytes(file.read_bytes())
    return numbers
