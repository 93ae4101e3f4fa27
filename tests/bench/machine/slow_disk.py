"""A slow disk: a small library, built when it is needed, delays each sync of the processes it is preloaded into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.errors import BenchError

SOURCE: Final = Path(__file__).with_name("slow_fsync.c")
#: Commits once through SQLite and says how long it took, milliseconds: whether the library reaches SQLite's syncs.
PROOF: Final = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE t (x)")
before = time.perf_counter()
db.execute("INSERT INTO t VALUES (1)")
print((time.perf_counter() - before) * 1000)
"""


class SlowDisk:
    """The built library. Raises BenchError if it cannot be built, or does not work with this Python's SQLite."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "slow_fsync.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise BenchError("there is no C compiler: install one (Debian: `apt install gcc libc6-dev`)")
        argv = [compiler, "-O1", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl"]
        built = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        if built.returncode:
            raise BenchError(f"{SOURCE} cannot be built: {built.stderr[-500:]}")
        self._prove(folder)

    def env(self, milliseconds: float) -> dict[str, str]:
        """Returns the variables with which a process's syncs take so many milliseconds longer."""
        before = os.environ.get("LD_PRELOAD")
        preload = f"{self._library} {before}" if before else str(self._library)
        return {"LD_PRELOAD": preload, "SLOW_FSYNC_US": str(int(milliseconds * 1000))}

    def _prove(self, folder: Path) -> None:
        done = subprocess.run(  # our own lines above
            [sys.executable, "-c", PROOF, str(folder / "proof.db")],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, **self.env(50)},
        )
        if done.returncode or float(done.stdout) < 50:
            raise BenchError("the preloaded library does not reach this Python's SQLite: it may be linked statically")
