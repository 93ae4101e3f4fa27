"""wrk: the script it is given, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

from bench.load import wrk
from bench.load.driving import Load


def test_what_wrk_prints_becomes_answers() -> None:
    printed = {
        "requests": 5005,
        "refused": 5,
        "lost": 2,
        "micros": 1_000_000,
        "largest": 9000,
        "latencies": [100 + place for place in range(1000)],
    }
    said = f"Running 1s test\n  12 requests\n\nRESULT {json.dumps(printed)}\n"
    answers = wrk.answers(said.encode())
    assert (answers.acknowledged, answers.refused, answers.lost, answers.rate) == (5000, {0: 5}, 2, 5000.0)
    latency = answers.histogram().latency()
    assert latency.count == 5000
    assert 0.595 <= latency.p50 <= 0.606
    assert latency.max == 9.0


def test_the_script_for_wrk_holds_the_whole_request(tmp_path: Path) -> None:
    load = Load(port=1, path="/in/journey", headers={"x-odd": 'a"b\\c'}, prefix="00c0ffee", seconds=2.4, connections=64)
    command = wrk.command(load, tmp_path)
    script = (tmp_path / "wrk.lua").read_text()
    assert r"x-odd: a\"b\\c\r\n" in script
    assert 'string.format("%012x", number)' in script
    assert command.argv[:4] == ("wrk", "-t1", "-c64", "-d2s")
