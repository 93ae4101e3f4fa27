"""`./tests/bench/run` for real, but short: what it measures must be there; how fast it was is not looked at."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from bench.__main__ import app, ended_by_signals
from bench.contestants.contestant import python
from bench.load.bad_sink import BEHAVIOURS
from bench.machine.cores import Cores
from bench.measures.contest import Plan
from bench.measures.drain import DrainCase, drain
from bench.measures.growth import LISTS, PAGES, Repeats, growth
from bench.measures.memory import memory
from bench.measures.neighbours import neighbours
from bench.measures.retention import retention
from bench.measures.travel import travel


def run(*options: str) -> Result:
    """Returns what a run in this process came to."""
    return CliRunner().invoke(app, options)


def silent(_: str) -> None:
    """Says nothing."""


def reported(result: Result) -> Any:
    """Returns the figures that a run printed as JSON."""
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout)


def a_plan(folder: Path) -> Plan:
    return Plan(folder=folder, cores=Cores(), generator="own", rounds=1, seconds=0.3, connections=8)


def test_one_short_run_measures_all_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chart = tmp_path / "chart.svg"
    options = ["--rounds", "1", "--seconds", "0.3", "--connections", "8", "--load", "own"]
    places = ["--contestants", str(tmp_path), "--folder", ".", "--plot", chart.name, "--chapter", "chapter.md"]
    report: dict[str, Any] = reported(run(*options, *places, "--json"))
    rows = {row["name"]: row for row in report["contest"]}
    assert list(rows) == ["uvicorn no-op", "Starlette no-op", "gridhook"]
    for row in rows.values():
        assert row["acknowledged"] > 0
        assert row["errors"] == 0
        assert row["cpu_us"]["median"] > 0
        assert row["resident_mb"]["median"] > 1
        assert row["rate"]["low"] <= row["rate"]["median"] <= row["rate"]["high"]
    assert rows["Starlette no-op"]["ratio"] == 1.0
    assert [row["missing"] for row in rows.values()] == [None, None, 0]
    (killed,) = report["killed"]
    assert (killed["name"], killed["kills"], killed["missing"]) == ("gridhook", 1, 0)
    assert killed["acknowledged"] > 0
    assert report["steady"]["acknowledged"] > 0
    assert report["machine"]["sqlite"]
    assert "gridhook" in chart.read_text()
    chapter = (tmp_path / "chapter.md").read_text()
    assert re.search(r"^\| gridhook \| [\d,]+ \[", chapter, re.MULTILINE)
    assert chapter.startswith(f"Measured on {report['machine']['processor']}")
    (tmp_path / "chapter.md").unlink()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chart.svg"], "its own files are taken away"


def test_the_least_that_keeps_a_webhook_keeps_it(tmp_path: Path) -> None:
    options = ["--rounds", "1", "--seconds", "0.3", "--connections", "8", "--load", "own", "--only", "one insert"]
    report: dict[str, Any] = reported(run(*options, "--folder", str(tmp_path), "--json"))
    (row,), (killed,) = report["contest"], report["killed"]
    assert (row["name"], row["errors"], row["missing"]) == ("one insert", 0, 0)
    assert row["acknowledged"] > 0
    assert (killed["kills"], killed["missing"]) == (1, 0)


def test_a_backlog_is_drained_and_what_a_message_costs_is_counted(tmp_path: Path) -> None:
    cases = (DrainCase(scheme="https", at_once=16, sinks_ms=(0.0, 5.0)),)
    (found,) = drain(a_plan(tmp_path), silent, cases, backlog=100)
    assert found.rate.low > 0
    assert found.cpu_us.median > 0
    assert found.resident_mb.median > 1
    assert list(tmp_path.iterdir()) == [], "its own files are taken away"


def test_beside_bad_sinks_all_arrives_at_the_healthy_one(tmp_path: Path) -> None:
    (found,) = neighbours(a_plan(tmp_path), silent, (tuple(BEHAVIOURS),), backlog=40)
    assert found.missing == 0
    assert found.p50_ms.low > 0
    assert found.answer_p95_ms.low >= found.answer_p50_ms.low > 0
    assert found.rate.low > 0
    assert list(tmp_path.iterdir()) == [], "its own files are taken away"


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_its_servers_too(tmp_path: Path, which: signal.Signals) -> None:
    options = ["--only", "gridhook", "--rounds", "1", "--seconds", "100", "--load", "own", "--folder", str(tmp_path)]
    command = python("-m", "bench", *options)
    with subprocess.Popen(command.argv, env=command.environment(), stderr=subprocess.DEVNULL) as running:
        while not (server := listening(tmp_path)):
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(which)
        assert running.wait(30) == 130
    is_left = Path(f"/proc/{server}").exists()
    if is_left:
        os.kill(server, signal.SIGKILL)
    assert not is_left
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_that_closes_does_not_end_it_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


def listening(folder: Path) -> int | None:
    """Returns the process of a server with its log in this folder, once there is one."""
    for log in folder.rglob("server.log"):
        if "server.started" not in log.read_text():
            continue
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.readlink(process / "fd/2") == str(log):
                    return int(process.name)
    return None


def test_messages_and_orders_arrive_once_each_and_signed(tmp_path: Path) -> None:
    message, order = travel(a_plan(tmp_path), silent, rates=(40,))
    assert (message.way, order.way) == ("message", "order")
    for one in (message, order):
        assert one.acknowledged == one.arrived == one.latency.count == 12
        assert (one.repeats, one.errors) == (0, 0)
    assert message.signed == 12


def test_growth_compares_every_step(tmp_path: Path) -> None:
    found = growth(a_plan(tmp_path), 300, silent, Repeats(webhooks=5, lists=2, claims=2, turns=1))
    steps = [one.step for one in found.steps]
    assert {f"GET {path}" for path in LISTS} <= set(steps)
    assert {f"page {path}" for path in PAGES} <= set(steps)
    assert len(steps) == len(LISTS) + len(PAGES) + 7
    assert all(one.small_ms > 0 and one.full_ms > 0 and one.ratio > 0 for one in found.steps)
    assert found.bytes_per_event > 1200


def test_retention_is_measured_with_and_without_pruning(tmp_path: Path) -> None:
    found = retention(a_plan(tmp_path), 1000, silent)
    assert found.quiet.count > 0
    assert found.pruning.count > 0
    assert found.errors == 0
    assert found.ratio > 0
    assert found.before_mb > found.after_mb > 0
    assert list(tmp_path.iterdir()) == []


def test_memory_is_looked_at_from_the_start_to_the_last_event(tmp_path: Path) -> None:
    found = memory(a_plan(tmp_path), 200, silent, streams=300, imports=1)
    assert len(found.after_mb) == 5
    assert min(found.start_mb, found.streams_mb, found.bare_streams_mb, *found.after_mb) > 1
    assert min(found.ready_empty_ms, found.ready_full_ms, found.import_ms) > 0
    assert found.imported


def test_a_contestant_that_does_not_start_is_named_with_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "contestant_broken.py").write_text(
        "from bench.contestants.contestant import Contestant, python\n"
        "def contestants():\n"
        "    command = python('-c', 'raise SystemExit(\"no such luck\")')\n"
        "    return [Contestant(name='broken', about='', prepare=lambda folder, port: command)]\n"
    )
    result = run("--only", "broken", "--contestants", str(tmp_path), "--folder", str(tmp_path))
    assert result.exit_code == 1
    assert "broken ended instead of starting" in result.stderr
    assert "no such luck" in result.stderr
