"""Which files that hold secrets other users of this machine can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from receiver.store.sqlite.files.live_file import COMPANIONS

#: May be read by the group, by everybody.
READ_BY_GROUP: Final = stat.S_IRGRP
READ_BY_ALL: Final = stat.S_IROTH


def exposed_database(path: Path) -> list[str]:
    """A warning for each file of a database that others can read."""
    real = os.path.realpath(path)
    what = "it holds what vendors sent and the key of the webhook URLs"
    return _warnings([str(path), *(real + suffix for suffix in COMPANIONS)], what)


def exposed_secrets(paths: Iterable[Path]) -> list[str]:
    """A warning for each file with secrets that others can read."""
    return _warnings(map(str, paths), "it holds secrets")


def _warnings(paths: Iterable[str], what: str) -> list[str]:
    found = ((path, _mode(path)) for path in paths)
    return [
        f"{path} can be read by other users ({mode:04o}), and {what}: chmod {mode & ~0o077:o} {path}"
        for path, mode in found
        if mode is not None
    ]


def _mode(path: str) -> int | None:
    """The mode of a file that others can read, else None. A group that only lets this process in is none of others."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    mode = stat.S_IMODE(found.st_mode)
    own = found.st_uid == os.geteuid()
    return mode if mode & (READ_BY_ALL | READ_BY_GROUP if own else READ_BY_ALL) else None
