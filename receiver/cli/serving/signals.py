"""Signals, as a server takes them: stop, hurry, read the configuration again. A stop has an end, whatever hangs."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final

import structlog

from receiver.lib import logs

log = structlog.get_logger("serve")

STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
#: Shares of the time that a stop has: for what runs to finish; until what hangs is left where it is; until the kernel
#: ends the process, should it not even come to that.
FINISHING: Final = 0.7
LEAVING: Final = 0.92
KILLING: Final = 0.97
#: How long a stop may still take after a second signal, seconds.
HURRIED: Final = 1.5
#: Between a hangup and the look whether the terminal is gone: the kernel takes it away right after the signal, seconds.
TERMINAL_GOES: Final = 0.1
#: How long the log has for its last line, seconds.
LAST_LINE: Final = 0.2


class Signals:
    """SIGINT, SIGTERM, SIGQUIT and the end of the terminal stop; a second one hurries; SIGHUP reloads.

    The handlers run even while the event loop is held up, and a thread of their own ends the process in time.
    """

    def __init__(self, stop_within: float) -> None:
        """`stop_within` is seconds from the first signal to the end of the process."""
        self.stop_within = stop_within
        #: Set by the first signal to stop, and by the second.
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        #: Set whenever the configuration is to be read again.
        self.reload = asyncio.Event()
        self._stopping = False
        self._stops = queue.SimpleQueue[float]()
        #: A hangup ends us only where that was not ruled out (nohup), and only with the terminal that we came from.
        self._ends_with_terminal = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and has_terminal()

    def watch(self) -> None:
        """Takes the signals over, for good. Called on the event loop, on the main thread."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._end_in_time, name="end", daemon=True).start()
        for one in STOPS:
            signal.signal(one, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_hangup)

    def finishing_time(self) -> float:
        """How long what runs may take to finish, seconds from the first signal."""
        return self.stop_within * FINISHING

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        # Nothing here may wait for a lock: whoever holds it may be what this interrupts.
        if not self._stopping:
            self._stopping = True
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, self.stop_within * KILLING)
        self._stops.put(self.stop_within * LEAVING)
        self._call_soon(self._ask_to_stop)

    def _on_hangup(self, number: int, frame: FrameType | None) -> None:
        self._call_soon(self._loop.call_later, TERMINAL_GOES, self._hung_up, number, frame)

    def _call_soon(self, call: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: all is done
            self._loop.call_soon_threadsafe(call, *arguments)

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        if self._ends_with_terminal and not has_terminal():
            self._on_stop(number, frame)
        else:
            self.reload.set()

    def _ask_to_stop(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()

    def _end_in_time(self) -> None:
        """Ends the process when its time is over; a second signal shortens that, a third ends it at once."""
        left = self._stops.get()
        try:
            self._stops.get(timeout=left)
            self._stops.get(timeout=HURRIED)
        except queue.Empty:
            pass
        log.error("server.cut_off", note="it did not end in time; what was under way is taken up at the next start")
        logs.flush(LAST_LINE)
        os._exit(1)


def has_terminal() -> bool:
    """Whether the session of this process has a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True
