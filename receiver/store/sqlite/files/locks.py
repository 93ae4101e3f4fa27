"""Locks that belong to a file itself, whatever names it has: on bytes far behind all that SQLite locks or writes.

They are open file description locks (Linux): no other descriptor of the file that is closed takes them away, unlike
SQLite's own, and a look at them (`is_taken`) takes none. Where a kernel has none (gVisor), `flock` stands in for the
dispatcher's lock and nothing for the other; so too on other systems, but there on a file beside the database, since
`flock` and SQLite's locks would hinder each other (BSD).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
from typing import Final

from receiver.store.sqlite.files.descriptors import hold

#: Taken by the one process that dispatches. No SQLite file reaches this far (it ends at 2^48), nor do its locks.
DISPATCHING: Final = 1 << 62
#: Shared by all processes of ours that have the file open in SQLite.
IN_USE: Final = DISPATCHING + 1
#: Taken for a moment by the one process that writes next.
TURN: Final = DISPATCHING + 2
#: In the shared memory: SQLite's own, shared by all that have it open (`UNIX_SHM_DMS` in its os_unix.c).
SHARED_MEMORY: Final = 128
#: `struct flock` of Linux: type, whence, start, length, pid.
LAYOUT: Final = "hhqqi0q"


def bearer(file: int, real: str) -> int:
    """The descriptor that carries the locks of a file that is open as `file`. Raises OSError."""
    return file if sys.platform == "linux" else hold(f"{real}.lock", os.O_RDWR | os.O_CREAT)


def take(file: int, byte: int, *, shared: bool = False) -> bool:
    """Takes a lock with this descriptor; False if another one has it. Raises OSError where nothing can be locked."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, _range(fcntl.F_RDLCK if shared else fcntl.F_WRLCK, byte))
        except OSError as wrong:
            if wrong.errno in (errno.EAGAIN, errno.EACCES):
                return False
            if wrong.errno != errno.EINVAL:
                raise
        else:
            return True
    return byte != DISPATCHING or _flocked(file, fcntl.LOCK_EX)


def give_up(file: int, byte: int) -> None:
    """Gives a lock back."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, _range(fcntl.F_UNLCK, byte))
        except OSError as wrong:
            if wrong.errno != errno.EINVAL:
                raise
        else:
            return
    if byte == DISPATCHING:
        fcntl.flock(file, fcntl.LOCK_UN)


def is_taken(file: int, byte: int) -> bool:
    """Whether another descriptor than this one has the lock. Raises OSError where that cannot be known."""
    if sys.platform == "linux":
        try:
            found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _range(fcntl.F_WRLCK, byte))
        except OSError as wrong:
            if wrong.errno != errno.EINVAL:
                raise
        else:
            return bool(struct.unpack(LAYOUT, found)[0] != fcntl.F_UNLCK)
    if byte != DISPATCHING:
        return False
    if not _flocked(file, fcntl.LOCK_SH):
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _range(kind: int, byte: int) -> bytes:
    return struct.pack(LAYOUT, kind, os.SEEK_SET, byte, 1, 0)


def _flocked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
