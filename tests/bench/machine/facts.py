"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.machine.cores import Cores
from receiver.lib.times import stamp, system_clock

LIBRARIES: Final = ("gridhook", "starlette", "uvicorn", "uvloop", "httptools", "msgspec", "aiosqlite", "httpx")
SYNCS: Final = 50
#: About what one commit writes.
WRITTEN: Final = b"x" * 16_384


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Machine, disk and versions."""

    date: str
    processor: str
    cores: int
    #: Whether server and load generator had a core each.
    pinned: bool
    memory_gb: float
    kernel: str
    python: str
    sqlite: str
    libraries: dict[str, str]
    #: Type of the file system that the databases were on.
    file_system: str
    #: Median of writing 16 KiB there and syncing it, milliseconds.
    sync_ms: float
    #: Processes that wanted to run when it began; more than 1 means that the figures are disturbed.
    load_average: float
    generator: str


def machine(folder: Path, cores: Cores, generator: str) -> Machine:
    """Returns what is known of this machine; `folder` is where the databases will be."""
    return Machine(
        date=stamp(system_clock()),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        pinned=cores.pinned,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        libraries=_versions(),
        file_system=file_system(folder, Path("/proc/mounts").read_text()),
        sync_ms=round(sync_ms(folder), 3),
        load_average=os.getloadavg()[0],
        generator=generator,
    )


def sync_ms(folder: Path) -> float:
    """Returns how long a write and its sync take in this folder: the median, milliseconds."""
    with tempfile.TemporaryFile(dir=folder) as file:
        times = []
        for _ in range(SYNCS):
            before = time.perf_counter()
            os.pwrite(file.fileno(), WRITTEN, 0)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - before)
    return median(times) * 1000


def file_system(folder: Path, mounts: str) -> str:
    """Returns the type of the file system that a folder is on; `mounts` is the text of /proc/mounts."""
    place = str(folder.resolve())
    found = ("", "unknown")
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split()
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
