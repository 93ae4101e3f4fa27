"""The units are what systemd takes, and as hardened as the manual says; where systemd is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

DEPLOY: Final = Path(__file__).parent.parent.parent.parent / "deploy"
UNITS: Final = ("gridhook.service", "gridhook.socket")
ANALYZE: Final = shutil.which("systemd-analyze")
MANUAL: Final = DEPLOY.parent / "receiver/manual/deployment.md"


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Both as they are shipped, but that their program is there."""
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/opt/gridhook/bin/gridhook", "/bin/true"))
    return [str(tmp_path / name) for name in UNITS]


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")
def test_systemd_takes_the_units(units: list[str]) -> None:
    ended = subprocess.run([str(ANALYZE), "verify", *units], capture_output=True, text=True, check=False)
    told = [line for line in ended.stderr.splitlines() if "gridhook" in line]
    assert (ended.returncode, told) == (0, [])


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")
def test_a_wrong_key_in_a_unit_would_be_seen(units: list[str]) -> None:
    service = Path(units[0])
    service.write_text(service.read_text().replace("ProtectHome=", "ProtectHouse="))
    ended = subprocess.run([str(ANALYZE), "verify", *units], capture_output=True, text=True, check=False)
    assert "ProtectHouse" in ended.stderr


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")
def test_it_is_as_hardened_as_the_manual_says(units: list[str]) -> None:
    command = [str(ANALYZE), "security", "--offline=yes", "--no-pager", units[0]]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d)", ended.stdout)
    told = re.search(r"finds an exposure of (\d+\.\d)", MANUAL.read_text("utf-8"))
    assert found is not None, ended.stdout[-500:] + ended.stderr
    assert told is not None
    # Each version of systemd looks at some more things than the last one.
    assert abs(float(found[1]) - float(told[1])) < 0.5
    assert float(found[1]) < 2


def test_the_unit_gives_a_stop_the_time_that_it_takes() -> None:
    text = (DEPLOY / "systemd/gridhook.service").read_text("utf-8")
    stop = re.search(r"^TimeoutStopSec=(\d+)s$", text, re.MULTILINE)
    assert stop is not None
    assert int(stop[1]) > 8
