"""A file as a sink: one line of JSON an event."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, ClassVar, Final

import msgspec

from receiver.contracts import DeliveryContext, Handler, LocalPath, SinkProbe
from receiver.model.deliveries import Again, Delivered, Outcome, OutgoingEvent

#: How many older files are kept: `events.jsonl.1` is the newest of them.
KEPT: Final = 9
#: How often a file that somebody else writes to is tried, and the wait between, seconds.
LOCK_TRIES: Final = 200
LOCK_WAIT_S: Final = 0.01


class JsonLines(Handler):
    """Appends each event, as it was kept, to a file, and begins a new file when it is full.

    The file is for its owner alone, and an event is delivered once it is on disk.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a `file` sink."""

        path: LocalPath
        #: A file that would grow beyond this is put aside, bytes.
        rotate: Annotated[int, msgspec.Meta(extra={"unit": "size"}, ge=1024, le=1024**4)] = 100 * 1024**2

    #: One writer, so that lines stand in the order of the events.
    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        self._path = Path(options.path)
        self._rotate = options.rotate
        # A thread of its own: a disk that hangs holds up nobody else.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="file-sink")

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Delivered once the line is on disk; Again if it cannot be written."""
        line = outgoing.body.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._append, line)
        except OSError as wrong:
            return Again(note=f"{self._path.name} cannot be written: {wrong.strerror or wrong}")
        return Delivered()

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether the file, or a new one in its folder, can be written; nothing is."""
        wrong = await asyncio.get_running_loop().run_in_executor(self._thread, self._obstacle)
        if wrong is not None:
            return SinkProbe(works=False, said=f"{self._path.name} cannot be written: {wrong}")
        return SinkProbe(works=True, said=f"{self._path.name} can be written")

    def _obstacle(self) -> str | None:
        """What stands in the way of writing; None = nothing."""
        if self._path.exists():
            if not self._path.is_file():
                return "it is not a regular file"
            return None if os.access(self._path, os.W_OK) else "no right to"
        folder = self._path.parent
        if not folder.is_dir():
            return "its folder is not there"
        return None if os.access(folder, os.W_OK | os.X_OK) else "no right to write in its folder"

    def _append(self, line: bytes) -> None:
        descriptor = self._locked()
        try:
            size = os.fstat(descriptor).st_size
            if size and size + len(line) > self._rotate:
                self._put_aside()
                os.close(descriptor)
                descriptor = self._locked()
                size = os.fstat(descriptor).st_size
            _write_whole(descriptor, line, size)
        finally:
            os.close(descriptor)

    def _locked(self) -> int:
        """The live file: other writers of it wait meanwhile, so that nobody puts aside what another one just began."""
        for _ in range(LOCK_TRIES):
            descriptor = self._opened()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                time.sleep(LOCK_WAIT_S)
                continue
            except OSError:  # a file system without locks
                return descriptor
            if self._is_live(descriptor):
                return descriptor
            os.close(descriptor)
        raise OSError("another program holds it")

    def _is_live(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _opened(self) -> int:
        # Not blocking: a pipe that nobody reads would hold the thread.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError("it is not a regular file")
        return descriptor

    def _put_aside(self) -> None:
        for place in range(KEPT, 0, -1):
            older = self._aside(place - 1) if place > 1 else self._path
            if older.exists():
                older.replace(self._aside(place))

    def _aside(self, place: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{place}")


def _write_whole(descriptor: int, line: bytes, size: int) -> None:
    """Writes a line to a file of this size, or leaves it as it was."""
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError("no room for the whole line")
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
