"""Output to where another process reads: slowly, later, or not at all."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

#: Bytes that may wait; as many again may be with the writer.
MOST_BYTES: Final = 1024 * 1024
#: Bytes that are written in one go: those who wait for theirs wait for no more than this.
PIECE_BYTES: Final = 64 * 1024
#: How long output waits for more, so that it is written together, seconds.
SOON: Final = 0.05


class Target(Protocol):
    """Where output is written, however long that takes."""

    def write(self, data: bytes) -> None:
        """Writes all of `data`. Raises OSError or ValueError if that cannot be done."""
        ...


class Descriptor:
    """A file descriptor as a target."""

    def __init__(self, number: int) -> None:
        self._number = number
        #: The last write ended within a line.
        self._torn = False

    def write(self, data: bytes) -> None:
        """Writes all of `data`, on a line of its own if the write before was cut short. Raises OSError."""
        left = memoryview(b"\n" + data if self._torn else data)
        while left:
            try:
                left = left[os.write(self._number, left) :]
                self._torn = bool(left)
            except BlockingIOError:
                # Whoever shares the open file may have made it non-blocking.
                poll = select.poll()
                poll.register(self._number, select.POLLOUT)
                poll.poll()


class _Awaited:
    """Output whose writer waits for it."""

    __slots__ = ("data", "tell")

    def __init__(self, data: bytes, tell: Callable[[Exception | None], None]) -> None:
        self.data = data
        self.tell = tell


class Outlet:
    """A bounded queue before a target, and a thread that writes: whoever has output waits for nobody.

    What does not fit, or cannot be written, is lost and counted; `lost_line` makes the line that tells of it once
    output flows again.
    """

    def __init__(self, target: Target, lost_line: Callable[[int], bytes] | None = None) -> None:
        self.lost_line = lost_line
        #: Why the latest write failed; None if it did not.
        self.error: Exception | None = None
        self._target = target
        # Reentrant: a warning of the garbage collector may come while it is held. Never held while it is written.
        self._lock = threading.RLock()
        self._waiting: deque[bytes | _Awaited] = deque()
        #: Bytes that there is room for.
        self._room = MOST_BYTES
        #: Pieces that did not fit since the writer last took what waits, and those it could not write.
        self._refused = 0
        self._failed = 0
        #: Pieces that the writer has taken, and pieces it is done with.
        self._taken = 0
        self._done = 0
        self._progress = threading.Condition()
        #: There is something to write; it is to be written now.
        self._due = threading.Event()
        self._now = threading.Event()
        self._writer: threading.Thread | None = None
        self._closed = False

    @property
    def done(self) -> int:
        """How many pieces have been dealt with so far."""
        return self._done

    def put(self, data: bytes) -> None:
        """Takes a piece, to be written soon."""
        # Every webhook has a line: what is rare is left to others.
        size = len(data)
        with self._lock:
            if size <= self._room:
                self._room -= size
                self._waiting.append(data)
            elif not self._take_large(data, size):
                self._refused += 1
        if not self._due.is_set():
            self._write_soon()

    def put_now(self, data: bytes) -> None:
        """Takes a piece, to be written at once with those before it."""
        self._now.set()
        self.put(data)

    async def written(self, data: bytes = b"") -> None:
        """Returns once `data` and all that came before it is written. Raises OSError or ValueError if it is not."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def tell(error: Exception | None) -> None:
            with suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(_settle, done, error)

        awaited = _Awaited(data, tell)
        with self._lock:
            if not self._take_large(awaited, len(data)):
                raise BlockingIOError("nobody reads what waits already")
        self._now.set()
        self._write_soon()
        try:
            await done
        except asyncio.CancelledError:
            # It is not written later, when its writer has given it up. Its room stays taken: there is none.
            awaited.data = b""
            raise

    def flush(self, seconds: float) -> bool:
        """Waits until what waits is written, or the time runs out; True if it is written."""
        with self._lock:
            goal = self._taken + len(self._waiting)
        if self._done >= goal:
            return True
        self._now.set()
        self._write_soon()
        with self._progress:
            return self._progress.wait_for(lambda: self._done >= goal, seconds)

    def close(self, seconds: float) -> None:
        """Writes what waits within so many seconds, and takes nothing more."""
        self.flush(seconds)
        with self._lock:
            self._closed = True
            self._room = -1
        self._now.set()
        self._due.set()

    def _take_large(self, piece: bytes | _Awaited, size: int) -> bool:
        """Takes a piece if it fits; one that waits alone does, however long it is."""
        if self._closed or (size > self._room and self._waiting):
            return False
        self._room -= size
        self._waiting.append(piece)
        return True

    def _write_soon(self) -> None:
        self._due.set()
        if self._writer is None or not self._writer.is_alive():
            self._writer = threading.Thread(target=self._run, name="output", daemon=True)
            with suppress(RuntimeError):  # the interpreter ends
                self._writer.start()

    def _run(self) -> None:
        while not self._closed:
            self._due.wait()
            self._now.wait(SOON)
            # Before it writes: what comes while it does is due anew.
            self._due.clear()
            self._now.clear()
            self._write_waiting()

    def _write_waiting(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            refused, self._refused = self._refused, 0
            self._taken += len(waiting)
            self._room = -1 if self._closed else MOST_BYTES
        if self._failed:
            self._write_lost()
        for piece in _pieces(waiting):
            self._write_piece(piece)
        if refused:
            self._failed += refused
            self._write_lost()
        with self._progress:
            self._done += len(waiting)
            self._progress.notify_all()

    def _write_lost(self) -> None:
        count = self._failed
        if self.lost_line is None or self._write(self.lost_line(count)) is None:
            self._failed -= count

    def _write_piece(self, piece: list[bytes | _Awaited]) -> None:
        error = self._write(b"".join(one if isinstance(one, bytes) else one.data for one in piece))
        for one in piece:
            if not isinstance(one, bytes):
                one.tell(error)
            elif error is not None:
                self._failed += 1

    def _write(self, data: bytes) -> Exception | None:
        try:
            self._target.write(data)
        except (OSError, ValueError) as wrong:
            self.error = wrong
        else:
            self.error = None
        return self.error


def _pieces(waiting: Iterable[bytes | _Awaited]) -> Iterable[list[bytes | _Awaited]]:
    """What waits, in the portions that are written in one go."""
    piece: list[bytes | _Awaited] = []
    size = 0
    for one in waiting:
        piece.append(one)
        size += len(one if isinstance(one, bytes) else one.data)
        if size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
