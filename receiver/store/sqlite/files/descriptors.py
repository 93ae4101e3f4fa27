"""Descriptors of database files: to close one gives up all locks that SQLite has on the file in this process (POSIX).

So a descriptor that is not wanted any more stays open until no other one of the same file is wanted in this process.
Whoever opens a file in SQLite holds a descriptor of it for longer than the connection.
"""

from __future__ import annotations

import os
from typing import Final

#: A file, whatever names it has: device and inode.
Identity = tuple[int, int]

_wanted: Final[dict[Identity, set[int]]] = {}
_unwanted: Final[dict[Identity, set[int]]] = {}


def hold(path: str | os.PathLike[str], flags: int) -> int:
    """A new descriptor of the file at a path; a file that is made is its owner's alone. Raises OSError."""
    file = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    _wanted.setdefault(identity_of(file), set()).add(file)
    return file


def let_go(file: int) -> None:
    """Closes the descriptor as soon as that does no harm."""
    identity = identity_of(file)
    wanted = _wanted[identity]
    wanted.discard(file)
    _unwanted.setdefault(identity, set()).add(file)
    if not wanted:
        del _wanted[identity]
        for one in _unwanted.pop(identity):
            os.close(one)


def identity_of(file: int) -> Identity:
    """Device and inode of an open file."""
    found = os.fstat(file)
    return found.st_dev, found.st_ino


def identity_at(path: str) -> Identity | None:
    """Device and inode of the file that a path leads to; None if there is none, or it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
