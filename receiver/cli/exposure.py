"""Which files that hold secrets other users of this machine can read or change."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from receiver.store.opening import files_of

READ: Final = stat.S_IRGRP | stat.S_IROTH
WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
OF_EVERYBODY: Final = stat.S_IRWXO


def exposed_database(address: str) -> list[str]:
    """A warning for each file of a database that others can read or change."""
    return _warnings(files_of(address), "it holds what vendors sent and the key of the webhook URLs")


def exposed_secrets(paths: Iterable[Path]) -> list[str]:
    """A warning for each file with secrets that others can read or change."""
    return _warnings(map(str, paths), "it holds secrets")


def _warnings(paths: Iterable[str], what: str) -> list[str]:
    return [
        f"{path} can be {'read' if bits & READ else 'changed'} by other users ({mode:04o}), and {what}: "
        f"chmod {mode & ~0o077:o} {path}"
        for path in paths
        for mode, bits in _opened(path)
        if bits
    ]


def _opened(path: str) -> list[tuple[int, int]]:
    """The mode of a file, and the bits of it that let others in; empty for one that is not there.

    The group of another user's file only lets this process in: it is none of others.
    """
    try:
        found = os.stat(path)
    except OSError:
        return []
    mode = stat.S_IMODE(found.st_mode)
    bits = mode & (READ | WRITE)
    return [(mode, bits if found.st_uid == os.geteuid() else bits & OF_EVERYBODY)]
