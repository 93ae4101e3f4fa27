"""Runs the cases against a server of their own, and judges the whole: answers, what is kept, memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from fuzz.cases import SECRET, Cases
from fuzz.driver import Driver, rss
from support.server import JOURNEY, Server, serving

#: What the server may hold at once of unfinished requests (`max_unread`), and what else it may grow by, MB.
CAP_MB: Final = 64.0
GROWTH_MB: Final = 20.0
#: Answers that there are in any large sample.
JUDGED: Final = frozenset({200, 400, 401, 404, 405, 431})
KEPT: Final = "SELECT provider_job_id FROM jobs"


class Verdict(NamedTuple):
    """What became of a run."""

    sent: int
    seconds: float
    statuses: Counter[int]
    acknowledged: int
    forged: int
    #: MB at the start, at most, at the end.
    memory: tuple[float, float, float]
    failures: list[str]


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Server]:
    """A server that only takes in."""
    toml = JOURNEY.format(vendor="http://127.0.0.1:9", more="")
    async with serving(folder, toml, "--role", "intake", env={"HOOK_SECRET": SECRET}) as server:
        yield server


async def judged(server: Server, requests: int, seed: int, seconds: float = 1e9, first: int = 0) -> Verdict:
    """Sends so many requests and judges what came of them."""
    port = int(server.url.rpartition(":")[2])
    # What is there once, is there before: the sockets' buffers, the database's cache, the modules of rare ways.
    await Driver(port, server.pid, Cases(seed - 1)).run(min(requests // 3, 2000), seconds)
    driver = Driver(port, server.pid, Cases(seed))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await driver.run(requests, seconds, first)
    took = loop.time() - began
    failures = driver.failures
    assert (await server.client.get("/readyz")).status_code == 200
    kept = {row[0] for row in server.rows(KEPT)}
    if lost := driver.acknowledged - kept:
        failures.append(f"{len(lost)} acknowledged webhooks are not kept, as {min(lost)}")
    if taken := driver.forged & kept:
        failures.append(f"{len(taken)} forged webhooks are kept, as {min(taken)}")
    end = rss(server.pid)
    if driver.rss_peak > driver.rss_start + CAP_MB + GROWTH_MB or end > driver.rss_start + GROWTH_MB:
        failures.append(f"memory: {driver.rss_start:.0f} MB, at most {driver.rss_peak:.0f}, then {end:.0f} MB")
    memory = (driver.rss_start, driver.rss_peak, end)
    return Verdict(driver.sent, took, driver.statuses, len(driver.acknowledged), len(driver.forged), memory, failures)


def shown(verdict: Verdict) -> str:
    """A verdict for people."""
    statuses = ", ".join(f"{status}: {number:,}" for status, number in sorted(verdict.statuses.items()))
    start, peak, end = verdict.memory
    lines = [
        f"{verdict.sent:,} requests in {verdict.seconds:.0f} s ({verdict.sent / max(verdict.seconds, 0.001):,.0f}/s)",
        f"answers: {statuses}",
        f"{verdict.acknowledged:,} genuine ones acknowledged, all looked up; {verdict.forged:,} forged",
        f"memory: {start:.0f} MB, at most {peak:.0f}, at the end {end:.0f}",
        f"{len(verdict.failures)} failures",
        *verdict.failures[:10],
    ]
    return "\n".join(lines)
