"""What the demo needs of the process around it: a folder, the log, signals."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from receiver.lib import logs

CAUGHT: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


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
    """Meanwhile SIGINT, SIGTERM and a closed terminal set `stop`, so that the folder is deleted in any case."""
    loop = asyncio.get_running_loop()
    # Whoever ignores a hangup (nohup) wants it to go on.
    caught = [one for one in CAUGHT if signal.getsignal(one) != signal.SIG_IGN]
    for one in caught:
        loop.add_signal_handler(one, stop.set)
    try:
        yield
    finally:
        for one in caught:
            loop.remove_signal_handler(one)
