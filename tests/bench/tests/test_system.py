"""What the kernel and the interpreter say, and the slow disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.machine.cores import Cores, on, two_cores
from bench.machine.facts import file_system
from bench.machine.proc import Usage, family, usage
from bench.machine.slow_disk import SlowDisk
from bench.measures import imports


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


@pytest.mark.skipif(shutil.which("cc") is None and shutil.which("gcc") is None, reason="there is no C compiler")
def test_the_slow_disk_is_built_and_reaches_sqlite(tmp_path: Path) -> None:
    env = SlowDisk(tmp_path).env(2.5)
    assert env["SLOW_FSYNC_US"] == "2500"
    assert str(tmp_path) in env["LD_PRELOAD"]


def test_without_a_compiler_the_slow_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="C compiler"):
        SlowDisk(tmp_path)


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
