"""What the kernel knows of a process and its descendants, read from /proc (Linux)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat after the name: utime, stime, and the same of children that ended.
CPU_FIELDS: Final = slice(11, 15)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a process and its descendants have used so far."""

    #: Seconds of processor time, those of children that ended included.
    cpu: float = 0.0
    #: Bytes handed to write calls (files, and sockets as far as the kernel counts them).
    wchar: int = 0
    #: Bytes that went, or will go, to the disk.
    written: int = 0
    #: Resident memory, bytes.
    resident: int = 0

    def since(self, before: Usage) -> Usage:
        """Returns what was used from `before` on; the memory is that of now."""
        return Usage(
            cpu=self.cpu - before.cpu,
            wchar=self.wchar - before.wchar,
            written=self.written - before.written,
            resident=self.resident,
        )


def usage(pid: int, proc: Path = PROC) -> Usage:
    """Returns the sum over a process and its descendants; what has ended meanwhile counts as nothing."""
    found = [_one(one, proc) for one in family(pid, proc)]
    return Usage(
        cpu=sum(one.cpu for one in found),
        wchar=sum(one.wchar for one in found),
        written=sum(one.written for one in found),
        resident=sum(one.resident for one in found),
    )


def family(pid: int, proc: Path = PROC) -> list[int]:
    """Returns a process and its descendants."""
    found = [pid]
    for one in found:
        for listed in (proc / str(one) / "task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in listed.read_text().split()]
    return found


def _one(pid: int, proc: Path) -> Usage:
    folder = proc / str(pid)
    try:
        stat = (folder / "stat").read_text().rpartition(")")[2].split()
        io = _pairs((folder / "io").read_text())
        status = _pairs((folder / "status").read_text())
    except OSError:
        return Usage()
    return Usage(
        cpu=sum(int(ticks) for ticks in stat[CPU_FIELDS]) / TICKS,
        wchar=int(io["wchar"]),
        written=int(io["write_bytes"]),
        resident=int(status.get("VmRSS", "0 kB").split()[0]) * 1024,
    )


def _pairs(text: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
