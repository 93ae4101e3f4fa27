"""What the demo needs of the process around it: a folder, the log, signals."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from receiver import logs

CAUGHT: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that only this user can read, deleted at the end. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix="gridhook-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def logged(file: Path) -> Iterator[None]:
    """Meanwhile the log of the whole process goes to a file. Raises OSError."""
    with file.open("w", encoding="utf-8") as stream:
        logs.configure("info", stream)
        try:
            yield
        finally:
            logs.configure("warning")


@contextmanager
def stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Meanwhile the first SIGINT or SIGTERM sets `stop`; a second one does what it always does."""
    loop = asyncio.get_running_loop()

    def release() -> None:
        for one in CAUGHT:
            loop.remove_signal_handler(one)

    def end() -> None:
        stop.set()
        release()

    for one in CAUGHT:
        loop.add_signal_handler(one, end)
    try:
        yield
    finally:
        release()
