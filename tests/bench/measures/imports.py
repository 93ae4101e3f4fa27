"""What `import receiver.app` costs, and which modules it is spent in."""

from __future__ import annotations

import subprocess
import time
from statistics import median
from typing import Final

import msgspec

from bench.contestants.contestant import installed

#: The slowest modules that are listed.
LISTED: Final = 15


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """One module's own part of the import."""

    name: str
    own_ms: float


def import_ms(times: int) -> float:
    """Returns how long `import receiver.app` takes beyond the start of the interpreter, milliseconds: the median of so
    many tries.
    """
    bare = [_timed("pass") for _ in range(times)]
    whole = [_timed("import receiver.app") for _ in range(times)]
    return median(whole) - median(bare)


def slowest() -> tuple[Imported, ...]:
    """Returns the modules that take longest by themselves, as `python -X importtime` tells."""
    said = _python("-X", "importtime", "-c", "import receiver.app")
    return tuple(sorted(read(said), key=lambda one: -one.own_ms)[:LISTED])


def read(said: str) -> list[Imported]:
    """Returns what the lines of `-X importtime` say: `import time: self us | cumulative | name`."""
    found = []
    for line in said.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and own.strip().isdigit():
            found.append(Imported(name=rest.partition("|")[2].strip(), own_ms=int(own) / 1000))
    return found


def _timed(line: str) -> float:
    before = time.perf_counter()
    _python("-c", line)
    return (time.perf_counter() - before) * 1000


def _python(*arguments: str) -> str:
    command = installed(*arguments)
    done = subprocess.run(  # this interpreter
        command.argv, capture_output=True, text=True, check=True, timeout=60, env=command.environment()
    )
    return done.stderr
