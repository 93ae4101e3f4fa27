"""A database file while it is open in SQLite: that it stays the file at its path, its locks, who may read it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

import structlog

from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.sqlite.files import locks
from receiver.store.sqlite.files.descriptors import (
    Identity,
    hold,
    identity_at,
    identity_of,
    let_go,
)
from receiver.store.sqlite.files.locks import DISPATCHING, IN_USE, SHARED_MEMORY, TURN

log = structlog.get_logger("store")

#: What SQLite keeps beside a database: what is not in it yet, and what its processes know in common.
COMPANIONS: Final = ("-wal", "-shm")
#: What others than the owner may do with a file.
OTHERS: Final = 0o077
REMEDY: Final = "gridhook must be able to read and write it"


class LiveFile:
    """The file of a database that is about to be opened in SQLite, and until it is closed there.

    An open descriptor is not the file at the path: what SQLite writes to a file that was removed, replaced or moved
    away is lost with the process. `fault` tells, for three looks at the disk (`stat`), some microseconds.
    """

    def __init__(self, path: Path, *, make: bool = True) -> None:
        """Holds the file, with `make` a new one (mode 0600). Raises StoreRefused or StoreUnavailable."""
        self.path = str(path)
        #: Where SQLite looks for what belongs to the file: links are followed first.
        self.real = os.path.realpath(path)
        self.last_fault: str | None = None
        #: Held like the file itself, and for the same reason.
        self._memory: int | None = None
        #: Whether this is the one that dispatches from it.
        self.dispatches = False
        self._joined = False
        try:
            self.file = hold(path, os.O_RDWR | (os.O_CREAT if make else 0))
            self._locks = locks.bearer(self.file, self.real)
        except OSError as wrong:
            raise StoreUnavailable(f"unable to open {path}: {wrong.strerror}; {REMEDY}") from None
        try:
            self._refuse_unfit()
        except BaseException:
            self._close()
            raise
        self._known: list[tuple[str, Identity | None]] = [(self.path, identity_of(self.file))]

    def _refuse_unfit(self) -> None:
        if not stat.S_ISREG(os.fstat(self.file).st_mode):
            raise StoreUnavailable(f"{self.path} is not a file: name one under `database`")
        for companion in self.companions:
            if os.path.lexists(companion) and not os.access(companion, os.R_OK | os.W_OK):
                raise StoreUnavailable(f"unable to open {companion}: Permission denied; {REMEDY}")
        if self.in_use() and not self._shares():
            raise StoreRefused(
                f"{self.path} is open in another gridhook process under another name, or without the "
                f"{' and '.join(COMPANIONS)} beside it: use that name (a hard link to a database is not safe, nor is a "
                "file that is mounted alone), or stop that process"
            )

    def _shares(self) -> bool:
        """Whether who has the file open uses the same WAL and shared memory as we would: they go by the file's name."""
        wal, memory = self.companions
        try:
            self._memory = hold(memory, os.O_RDWR)
        except OSError:
            return False
        return os.path.exists(wal) and _is_taken(self._memory, SHARED_MEMORY)

    @property
    def companions(self) -> tuple[str, ...]:
        """The paths of what SQLite keeps beside the file."""
        return tuple(self.real + suffix for suffix in COMPANIONS)

    # --- who may read it

    def tighten(self) -> None:
        """Takes away what others than the owner may do with it; told once, since the next time it is so already."""
        mode = stat.S_IMODE(os.fstat(self.file).st_mode)
        if not mode & OTHERS:
            return
        with contextlib.suppress(PermissionError):  # it is another user's: `gridhook check` tells of it
            os.fchmod(self.file, mode & ~OTHERS)
            for companion in self.companions:
                with contextlib.suppress(FileNotFoundError):
                    os.chmod(companion, mode & ~OTHERS)
            log.warning("store.tightened", file=self.path, mode=f"{mode:04o}", now=f"{mode & ~OTHERS:04o}")

    # --- its locks

    def join(self) -> None:
        """Tells other processes that it is open here, and remembers the files that SQLite opened.

        To be called when SQLite has opened it. Raises StoreRefused or StoreUnavailable.
        """
        if not self._take(IN_USE, shared=True):
            raise StoreRefused(f"{self.path} is being restored: try again in a moment")
        self._joined = True
        try:
            self._memory = self._memory or hold(self.companions[1], os.O_RDWR)
        except OSError as wrong:
            raise StoreUnavailable(f"unable to open {self.companions[1]}: {wrong.strerror}; {REMEDY}") from None
        self._known += [(companion, identity_at(companion)) for companion in self.companions]
        fault = self.fault()
        if fault is not None or None in dict(self._known).values():
            raise StoreUnavailable(fault or f"{self.path} was changed while it was opened: try again")

    def leave(self) -> None:
        """Takes `join` back. To be called before SQLite closes it: while it is in use, its companions are there."""
        if self._joined:
            self._joined = False
            locks.give_up(self._locks, IN_USE)

    def in_use(self) -> bool:
        """Whether another process of ours has it open; True if that cannot be known."""
        return _is_taken(self._locks, IN_USE)

    def begin_dispatching(self) -> bool:
        """Becomes the only one that dispatches from it; False if another one is. Raises StoreUnavailable."""
        self.dispatches = self._take(DISPATCHING)
        return self.dispatches

    def dispatched(self) -> bool:
        """Whether this or another process dispatches from it; True if that cannot be known."""
        return self.dispatches or _is_taken(self._locks, DISPATCHING)

    def take_turn(self) -> bool:
        """Becomes the one that writes next; False if another process is. Raises StoreUnavailable."""
        return self._take(TURN)

    def end_turn(self) -> None:
        """Takes `take_turn` back."""
        with contextlib.suppress(OSError):
            locks.give_up(self._locks, TURN)

    def take_alone(self) -> bool:
        """Keeps all other processes of ours from opening it; False if one has it open. Raises StoreUnavailable."""
        return self._take(DISPATCHING) and self._take(IN_USE)

    def _take(self, byte: int, *, shared: bool = False) -> bool:
        try:
            return locks.take(self._locks, byte, shared=shared)
        except OSError as wrong:
            raise StoreUnavailable(f"{self.path} cannot be locked: {wrong.strerror}") from None

    # --- whether it is still there

    def fault(self) -> str | None:
        """Looks why what is written now would be lost: a file is not the one at its path any more; None if all is well.

        What was found is in `last_fault` too.
        """
        fault = None
        for path, known in self._known:
            found = identity_at(path)
            if found != known:
                what = "is gone" if found is None else "is another file now"
                fault = f"{path} {what} under the running process"
                break
        self.last_fault = fault
        return fault

    def may_be_completed(self) -> bool:
        """Whether what stands in the WAL may still be moved to the file: nobody else can have it open.

        So too where the WAL or the shared memory is gone: then what was acknowledged is in the file alone afterwards.
        """
        (path, own), *companions = self._known
        return identity_at(path) == own and all(identity_at(one) in (None, known) for one, known in companions)

    def set_companions_aside(self) -> list[str]:
        """Where another file is at the path now: renames what belongs to ours, or SQLite would read it into that one.

        Returns the new names.
        """
        (path, own), *companions = self._known
        moved: list[str] = []
        if identity_at(path) in (None, own):
            return moved
        for companion, known in companions:
            with contextlib.suppress(OSError):
                if known is not None and identity_at(companion) == known:
                    os.rename(companion, f"{companion}.lost-{known[1]}")
                    moved.append(f"{companion}.lost-{known[1]}")
        return moved

    def close(self) -> None:
        """Lets the file and its locks go. To be called when SQLite has closed it."""
        self.leave()
        for byte in (IN_USE, DISPATCHING):
            with contextlib.suppress(OSError):
                locks.give_up(self._locks, byte)
        self._close()

    def _close(self) -> None:
        for file in {self.file, self._locks, self._memory}:
            if file is not None:
                let_go(file)


def is_dispatched(path: Path) -> bool:
    """Whether a process dispatches from the file at a path; True if that cannot be known."""
    try:
        file = hold(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        bearer = locks.bearer(file, os.path.realpath(path))
    except OSError:
        let_go(file)
        return True
    try:
        return _is_taken(bearer, DISPATCHING)
    finally:
        for one in {file, bearer}:
            let_go(one)


def _is_taken(file: int, byte: int) -> bool:
    try:
        return locks.is_taken(file, byte)
    except OSError:
        return True
