"""Killed with SIGKILL right before and right after every commit and every paid call: 0 doubles, 0 lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

import msgspec
import pytest

import receiver
from receiver.pretend.book import Shape
from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build
from support.crash import Life
from support.kills import TIMES
from support.picks import pick, remember, task_id
from support.server import free_port, read, until

#: In each of the four ways; together more than 200 in CI.
KILLS: Final = 52 * TIMES
#: Finished jobs of another tool on one file, each of which has one follow-up.
PARENTS: Final = 24
#: At which of its boundaries the next life ends; a life needs a few to open the file and to end the leases before it.
MOMENTS: Final = tuple(moment for near in range(1, 16) for moment in (near, near + 18))
#: Of each job of another tool: the vendor's id, and number and status of each follow-up.
FATES: Final = """
    SELECT above.provider_job_id, jobs.number, jobs.status FROM jobs JOIN jobs AS above ON above.number = jobs.parent
"""
#: How the tries of an order ended that stays unsure.
TRIES: Final = """
    SELECT attempts.outcome, attempts.note FROM attempts JOIN deliveries ON deliveries.number = attempts.delivery
    WHERE deliveries.event IS NULL AND deliveries.job = ?
"""


#: What a parent is in the vendor's book.
GRID_OR_TILE: Final[dict[str, tuple[str, Shape]]] = {
    "journeyapi": ("upscale-1x", "single"),
    "apiframe": ("generate", "grid"),
}
#: What an order calls its parent.
PARENT_FIELD: Final = {"journeyapi": "parent_task_id", "apiframe": "parentJobId"}


class Warm:
    """The process that forks one life after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.acknowledged: set[str] = set()

    async def life(self, life: Life, calm: Callable[[], bool] | None = None) -> int:
        """One life to its end; gives its exit code: -9 if it was killed, 0 if it had nothing left to do.

        One that has nothing left to do goes on until `calm` is so too, then it is killed as well.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(life) + b"\n")
        pid, came_to_rest = 0, False
        while True:
            word, _, what = (await self._process.stdout.readline()).decode().strip().partition(" ")
            if word == "born":
                pid = int(what)
            elif word == "taken":
                self.acknowledged.add(what)
            elif word == "calm":
                came_to_rest = True
                try:
                    if calm is not None:
                        await until(calm, "the bills and the jobs tell the same")
                finally:
                    os.kill(pid, signal.SIGKILL)
            else:
                assert word == "dead", f"the warm process said {word!r}"
                return 0 if came_to_rest else int(what)


@asynccontextmanager
async def warm() -> AsyncIterator[Warm]:
    """A warm process, ended in the end."""
    places = (Path(__file__).parents[1], Path(receiver.__file__).parents[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "support.crash",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Warm(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


class File:
    """One database, what became of it, and what the vendor says about it."""

    def __init__(self, database: Path, vendor: PretendVendor, port: int) -> None:
        self.database = database
        self.vendor = vendor
        self.port = port
        self.parents = {task_id(number): body(vendor.name, task_id(number)) for number in range(PARENTS)}
        for task in self.parents:
            remember(vendor, task, *GRID_OR_TILE[vendor.name])

    def fates(self) -> dict[str, str]:
        """Parent to the status of its one follow-up."""
        rows = read(self.database, FATES)
        assert max(Counter(task for task, _, _ in rows).values()) == 1, "a parent has two follow-ups"
        return {task: status for task, _, status in rows}

    def bills(self) -> Counter[str]:
        """How often the follow-up of each parent was billed."""
        return Counter(str(bill.body[PARENT_FIELD[self.vendor.name]]) for bill in self.vendor.bills)

    def is_told(self) -> bool:
        """Whether all that was billed is completed; without webhooks what is unsure stays so."""
        fates, bills = self.fates(), self.bills()
        if not self.port:
            return True
        return all(fates[task] == "completed" for task in bills)

    def must_hold(self) -> None:
        """0 doubles, 0 lost."""
        fates, bills = self.fates(), self.bills()
        assert fates.keys() == self.parents.keys(), "a follow-up of an acknowledged webhook is lost"
        assert set(bills.values()) <= {1}, f"a follow-up was paid twice: {bills} {fates}"
        completed = {task for task, status in fates.items() if status == "completed"}
        assert completed <= bills.keys()
        if self.vendor.name == "apiframe":
            assert completed == self.parents.keys()
        for task, number, status in read(self.database, FATES):
            assert status in ("completed", "unsure"), task
            if status == "unsure":
                assert read(self.database, TRIES, number) == [("unsure", "the process ended meanwhile")]


def body(vendor: str, task: str) -> str:
    """The webhook about a finished parent."""
    if vendor == "journeyapi":
        return pick(task).decode()
    images = [f"https://cdn.example.com/{task}_{tile}.png" for tile in range(4)]
    result = {"images": images, "gridUrl": f"https://cdn.example.com/{task}.png"}
    return json.dumps({"event": "completed", "jobId": task, "status": "COMPLETED", "result": result})


@pytest.mark.timeout(300 * TIMES)
@pytest.mark.parametrize("webhooks", [True, False], ids=["told", "asked"])
@pytest.mark.parametrize("name", ["journeyapi", "apiframe"])
async def test_a_kill_at_any_commit_pays_nothing_twice_and_loses_nothing(
    tmp_path: Path, name: str, webhooks: bool
) -> None:
    kills = 0
    moments = cycle(MOMENTS)
    async with warm() as process:
        while kills < KILLS:
            vendor = build(name, VendorOptions(pace=0.01, progress_steps=0, retry=(0.1,) * 300))
            async with serve(vendor.app) as url:
                file = File(tmp_path / f"{kills}.db", vendor, free_port() if webhooks else 0)
                kills += await killed_again_and_again(process, file, url, moments)
    assert kills >= KILLS


async def killed_again_and_again(process: Warm, file: File, url: str, moments: cycle[int]) -> int:
    """Lives on one file until one comes to its rest; gives how many were killed."""
    kills = 0
    process.acknowledged = set()
    while True:
        left = {task: told for task, told in file.parents.items() if task not in process.acknowledged}
        life = Life(
            vendor=file.vendor.name,
            base_url=url + file.vendor.base_path,
            database=str(file.database),
            port=file.port,
            parents=left,
            kill_at=next(moments),
        )
        code = await process.life(life, file.is_told)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
    assert process.acknowledged == file.parents.keys()
    file.must_hold()
    return kills
