"""The parts of the measurement that are text in, values out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
import typer

from receiver.bench import imports, wrk
from receiver.bench.contest import Row, span
from receiver.bench.contestants import named_in
from receiver.bench.cores import (
    Cores,
    on,
    two_cores,
)
from receiver.bench.driving import Load
from receiver.bench.durability import Killed
from receiver.bench.machine import file_system
from receiver.bench.plot import plot
from receiver.bench.proc import (
    Usage,
    family,
    usage,
)
from receiver.bench.report import durable
from receiver.bench.run import Wish, entrants
from receiver.bench.servers import BenchError
from receiver.bench.slow_disk import SlowDisk
from receiver.cli.commands.bench import milliseconds

CONTESTANT = """
from receiver.bench.contestants import Contestant, python


def contestants():
    return [Contestant(name="mine", about="it sleeps", prepare=lambda folder, port: python("-c", "pass"))]
"""


def a_row(name: str, rate: float, *, missing: int | None = None, ratio: float | None = None) -> Row:
    one = span([1.0])
    return Row(
        name=name,
        about="",
        rate=span([rate * 0.9, rate, rate * 1.2]),
        ratio=ratio,
        p50_ms=one,
        p95_ms=one,
        p99_ms=one,
        max_ms=one,
        cpu_us=one,
        disk_bytes=one,
        write_bytes=one,
        resident_mb=one,
        acknowledged=10,
        errors=0,
        missing=missing,
        rounds=(),
    )


# --- figures


def test_a_span_is_the_median_and_the_range() -> None:
    found = span([5.0, 1.0, 3.0])
    assert (found.median, found.low, found.high) == (3.0, 1.0, 5.0)


def test_durable_is_only_who_was_killed_and_lost_nothing() -> None:
    killed = [
        Killed(name="a", kills=3, acknowledged=100, missing=0),
        Killed(name="b", kills=3, acknowledged=100, missing=7),
        Killed(name="c", kills=3, acknowledged=0, missing=0),
    ]
    assert [durable(name, killed) for name in "abcd"] == [
        "yes",
        "no: 7 lost",
        "not known: it acknowledged nothing",
        "-",
    ]


# --- the plot


def test_the_plot_is_well_formed_and_has_a_bar_for_each_fastest_first() -> None:
    rows = [a_row("gridhook", 8000, missing=0, ratio=0.4), a_row("no-op <&>", 20_000), a_row("slow", 1, missing=0)]
    drawn = ElementTree.fromstring(plot(rows, "a & b"))  # noqa: S314  # our own text
    texts = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text in ("gridhook", "no-op <&>", "slow")] == ["no-op <&>", "gridhook", "slow"]
    assert "8,000/s (x 0.40)" in texts
    assert "20,000/s, keeps nothing" in texts
    bars = [float(bar.attrib["width"]) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == sorted(bars, reverse=True)
    assert 0.35 < bars[1] / bars[0] < 0.45


def test_a_contest_that_nobody_answered_can_still_be_drawn() -> None:
    assert ElementTree.fromstring(plot([a_row("none", 0.0)], "")) is not None  # noqa: S314


# --- the options


@pytest.mark.parametrize(("text", "wanted"), [("", ()), ("2,10", (2.0, 10.0)), (" 0.5 , ", (0.5,))])
def test_delays_are_numbers_with_commas(text: str, wanted: tuple[float, ...]) -> None:
    assert milliseconds(text) == wanted


@pytest.mark.parametrize("text", ["two", "0", "-1", "2;10", "nan", "5000"])
def test_other_delays_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="milliseconds"):
        milliseconds(text)


# --- contestants


def test_a_folder_brings_its_contestants(tmp_path: Path) -> None:
    (tmp_path / "contestant_mine.py").write_text(CONTESTANT)
    (tmp_path / "other.py").write_text("raise SystemExit")
    assert [one.name for one in named_in(tmp_path)] == ["mine"]
    wish = Wish(contestants=tmp_path, only=("mine", "gridhook"))
    assert [one.name for one in entrants(wish)] == ["gridhook", "mine"]


def test_a_name_that_nobody_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="Starlette no-op, gridhook"):
        entrants(Wish(contestants=tmp_path, only=("apache",)))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="contestant_"):
        named_in(tmp_path / "none")


def test_the_contestants_beside_this_test_can_be_asked_whatever_is_installed() -> None:
    for one in named_in(Path(__file__).parent):
        assert one.name
        assert one.about


# --- wrk


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


# --- what the kernel and the interpreter say


def test_usage_is_that_of_the_whole_family() -> None:
    before = usage(os.getpid())
    assert before.resident > 1_000_000
    used = usage(os.getpid()).since(before)
    assert used.cpu >= 0
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        child.kill()


def test_a_process_that_is_gone_has_used_nothing(tmp_path: Path) -> None:
    assert usage(1, tmp_path) == Usage()


def test_the_file_system_is_that_of_the_deepest_mount() -> None:
    mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nnone /tmpfoo xfs rw 0 0\n"
    assert file_system(Path("/tmp"), mounts) == "tmpfs"  # noqa: S108
    assert file_system(Path("/tmp/x"), mounts) == "tmpfs"  # noqa: S108
    assert file_system(Path("/usr"), mounts) == "ext4"


def test_what_is_started_on_a_core_stays_there_and_we_do_not() -> None:
    before = os.sched_getaffinity(0)
    core = frozenset([min(before)])
    with on(core):
        inside = os.sched_getaffinity(0)
    assert inside == core
    assert os.sched_getaffinity(0) == before


def test_server_and_load_share_no_core() -> None:
    cores = two_cores()
    assert cores == Cores() or not (cores.server or frozenset()) & (cores.load or frozenset())


def test_import_times_are_read_from_the_interpreters_own_words() -> None:
    said = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       500 |       1500 | one\n"
        "import time:      1000 |       1000 |   two.three\n"
        "something else | 1 | 2\n"
    )
    assert imports.read(said) == [
        imports.Imported(name="one", own_ms=0.5),
        imports.Imported(name="two.three", own_ms=1.0),
    ]


# --- the slow disk


@pytest.mark.skipif(shutil.which("cc") is None and shutil.which("gcc") is None, reason="there is no C compiler")
def test_the_slow_disk_is_built_and_reaches_sqlite(tmp_path: Path) -> None:
    env = SlowDisk(tmp_path).env(2.5)
    assert env["SLOW_FSYNC_US"] == "2500"
    assert str(tmp_path) in env["LD_PRELOAD"]


def test_without_a_compiler_the_slow_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="C compiler"):
        SlowDisk(tmp_path)


def test_the_report_is_plain_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(a_row("x", 2.0)))["rate"]["median"] == 2.0
