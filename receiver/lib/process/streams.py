"""The standard streams of a process: there, and never in anybody's way."""

from __future__ import annotations

import asyncio
import atexit
import io
import os
import sys
from contextlib import suppress
from typing import IO, Final, TextIO

from receiver.lib.process.outlet import Descriptor, Outlet

#: How long output may take at the end, and whoever is not on an event loop waits for his own, seconds.
PATIENCE: Final = 1.0


class OutletFile(io.RawIOBase):
    """A file over an outlet. On an event loop it waits for nobody; elsewhere up to a second for what it was given."""

    def __init__(self, descriptor: int, *, fails: bool) -> None:
        """With `fails` a write after one that failed raises its error, as on the descriptor itself."""
        super().__init__()
        self.outlet = Outlet(Descriptor(descriptor))
        self._descriptor = descriptor
        self._fails = fails
        #: How much was written when waiting for it was last in vain: then it waits no more until that grows.
        self._stuck_at: int | None = None

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Takes all of it; returns its length. May raise OSError."""
        if self._fails and isinstance(self.outlet.error, OSError):
            raise self.outlet.error
        whole = bytes(data)  # type: ignore[call-overload]  # any buffer, says io
        self.outlet.put_now(whole)
        return len(whole)

    def flush(self) -> None:
        """Waits a little, unless that would hold up an event loop."""
        if self.closed or self._stuck_at == self.outlet.done or _on_a_loop():
            return
        if not self.outlet.flush(PATIENCE):
            self._stuck_at = self.outlet.done


def open_missing() -> None:
    """Opens those of the descriptors 0, 1 and 2 that are closed on the null device.

    Else the next file that is opened, be it the database, would be taken for a standard stream.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def shield_stderr() -> None:
    """Has all that is written to `sys.stderr` from here on wait for no reader: tracebacks, warnings, progress bars."""
    if sys.stderr is sys.__stderr__ and sys.stderr is not None:
        sys.stderr = _shielded(sys.stderr, fails=False)


def shield_stdout() -> None:
    """The same for `sys.stdout`, for commands that print while an event loop runs. See `room`."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        sys.stdout = _shielded(sys.stdout, fails=True)


async def room() -> None:
    """Waits, beside the event loop, until all that was printed is written: nothing of it is then lost.

    Raises OSError if it cannot be written.
    """
    outlet = outlet_of(sys.stdout)
    if outlet is not None:
        await outlet.written()


def outlet_of(stream: TextIO) -> Outlet | None:
    """The outlet of a shielded stream; None if it is not shielded."""
    file = getattr(stream, "buffer", None)
    return file.outlet if isinstance(file, OutletFile) else None


def abandon(stream: IO[str]) -> None:
    """Points a stream to nowhere: what is left in its buffer would block, or fail again, when the program ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _shielded(stream: TextIO, *, fails: bool) -> TextIO:
    stream.flush()
    file = OutletFile(stream.fileno(), fails=fails)
    atexit.register(file.outlet.flush, PATIENCE)
    # io.TextIOWrapper needs no more of a buffer than a raw file has.
    return io.TextIOWrapper(file, stream.encoding, "backslashreplace", line_buffering=True)  # type: ignore[type-var]


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
