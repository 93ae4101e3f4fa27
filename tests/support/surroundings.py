"""What the suite runs in: the same for every caller, whatever that has set, exported or connected."""

from __future__ import annotations

import locale
import os
import signal
import time
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Final

#: What is taken over from the caller: where programs, libraries and room for files are, who drives the tests, and how
#: often `support.kills` kills.
TAKEN: Final = frozenset({"PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CI", "GRIDHOOK_KILLS"})
DRIVERS: Final = ("PYTEST_", "HYPOTHESIS_", "COVERAGE_", "COV_CORE_")
#: All else that is set. Where nothing may depend on it, it is what nobody would expect: a home that is not there, a
#: time zone far from UTC.
GIVEN: Final[Mapping[str, str]] = {
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "TZ": "EAST-13",
    "TERM": "xterm-256color",
    "COLUMNS": "80",
    "LINES": "24",
}
UMASK: Final = 0o022
#: Ignored by what `nohup` or a script's `&` started, and then by all that it starts.
IGNORED: Final = (signal.SIGHUP, signal.SIGINT)


def settle(environment: MutableMapping[str, str]) -> None:
    """Puts the process, and so those that it starts, into these surroundings."""
    for name in list(foreign(environment)):
        del environment[name]
    environment.update(GIVEN)
    os.umask(UMASK)
    time.tzset()
    for one in IGNORED:
        if signal.getsignal(one) == signal.SIG_IGN:
            # This process goes on ignoring it; a handler, unlike that, is not handed down.
            signal.signal(one, lambda *_: None)
    # The encoding of files that are opened without one.
    locale.setlocale(locale.LC_ALL, GIVEN["LC_ALL"])


def foreign(environment: Mapping[str, str]) -> Iterator[str]:
    """The names of what is set and does not belong here."""
    return (
        name
        for name, value in environment.items()
        if name not in TAKEN and not name.startswith(DRIVERS) and GIVEN.get(name) != value
    )
