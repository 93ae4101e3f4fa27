"""File descriptors: how many connections there may be, so that the database never lacks one."""

from __future__ import annotations

import contextlib
import resource
from typing import Final

#: Kept back from the connections: database, log, calls out. Where there are few in all, a quarter of them.
KEPT_BACK: Final = 256


def raise_descriptor_limit(connections: int) -> int:
    """Raises the process's soft limit as far as so many connections need it; returns the limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + KEPT_BACK
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connections_within(descriptors: int, wished: int) -> int:
    """How many connections so many descriptors allow, `wished` at most."""
    return max(1, min(wished, descriptors - min(KEPT_BACK, descriptors // 4)))
