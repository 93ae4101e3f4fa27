"""wrk (Will Glozer's load generator) with a script that writes another task id into each request."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from bench.contestants.contestant import Command
from bench.load.driving import Answers, Load
from bench.load.histogram import bucket_of
from bench.load.payload import request_parts

SCRIPT: Final = """\
local number = 0
local before = "%s"
local after = "%s"

function request()
    number = number + 1
    return before .. string.format("%%012x", number) .. after
end

function done(summary, latency, requests)
    local micros = {}
    for percent = 1, 1000 do
        micros[percent] = string.format("%%d", latency:percentile((percent - 0.5) / 10))
    end
    local errors = summary.errors
    io.write(string.format(
        '\\nRESULT {"requests":%%d,"refused":%%d,"lost":%%d,"micros":%%d,"largest":%%d,"latencies":[%%s]}\\n',
        summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
        summary.duration, latency.max, table.concat(micros, ",")
    ))
end
"""
MARK: Final = b"\nRESULT "


class WrkResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the script prints."""

    requests: int
    #: Answers above 399; wrk does not tell them apart.
    refused: int
    lost: int
    micros: int
    largest: int
    #: The latency at 0.05 %, 0.15 %, ... 99.95 %, microseconds.
    latencies: list[int]


def command(load: Load, folder: Path) -> Command:
    """Writes the script into `folder` and returns how to start wrk: one thread, so one counter makes all ids."""
    before, after = request_parts(load.path, load.headers, load.prefix)
    script = folder / "wrk.lua"
    script.write_text(SCRIPT % (_lua(before), _lua(after)))
    url = f"http://127.0.0.1:{load.port}{load.path}"
    seconds = max(1, round(load.seconds))
    return Command(argv=("wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "-s", str(script), url))


def answers(said: bytes) -> Answers:
    """Returns what wrk printed as the answers that our own generator would have counted."""
    result = msgspec.json.decode(said.partition(MARK)[2].partition(b"\n")[0], type=WrkResult)
    acknowledged = result.requests - result.refused
    return Answers(
        sent=result.requests + result.lost,
        acknowledged=acknowledged,
        refused={0: result.refused} if result.refused else {},
        lost=result.lost,
        seconds=result.micros / 1e6,
        buckets=_buckets(result.latencies, acknowledged),
        largest=result.largest,
    )


def _buckets(latencies: list[int], count: int) -> dict[int, int]:
    """Returns a histogram of `count` values that are spread like the sample."""
    buckets: dict[int, int] = {}
    share, rest = divmod(count, len(latencies))
    for place, micros in enumerate(latencies):
        bucket = bucket_of(micros)
        buckets[bucket] = buckets.get(bucket, 0) + share + (place < rest)
    return {bucket: some for bucket, some in buckets.items() if some}


def _lua(text: bytes) -> str:
    """Returns the text as it is written inside a Lua string."""
    return text.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
