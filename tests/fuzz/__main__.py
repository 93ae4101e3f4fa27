"""The command line of `./tests/fuzz/run`; see `fuzz/__init__.py`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from fuzz.beside import measured
from fuzz.running import judged, served, shown


def main() -> int:
    """Runs as told; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tests/fuzz/run")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=1e9, help="at most so long")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", type=int, help="number of the one case to send")
    parser.add_argument("--beside", type=int, help="so many idle and so many dripping connections beside a steady load")
    chosen = parser.parse_args()
    if chosen.beside is not None:
        print(asyncio.run(measured(chosen.beside)))
        return 0
    print(f"seed {chosen.seed}", flush=True)
    return asyncio.run(_run(chosen))


async def _run(chosen: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="gridhook-fuzz-") as folder:
        async with served(Path(folder)) as server:
            if chosen.only is not None:
                verdict = await judged(server, 1, chosen.seed, first=chosen.only)
            else:
                verdict = await judged(server, chosen.requests, chosen.seed, chosen.seconds)
    print(shown(verdict))
    return 1 if verdict.failures else 0


sys.exit(main())
