"""A thread that hears of other processes' commits, and lets them see that this one lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import psycopg
import structlog

from receiver.errors import StoreError
from receiver.store.postgres.connections import connect, first_line
from receiver.store.postgres.replicas import Replica
from receiver.store.postgres.writer import CHANNEL

log = structlog.get_logger("store")

#: How often this process shows that it lives, seconds.
SEEN_EVERY: Final = 2.0
#: How often commits are looked for that nothing was heard of, seconds. A commit whose connection broke tells nobody.
LOOK_EVERY: Final = 1.0
#: How long a closing store waits for the thread at most, seconds.
STEP: Final = 0.1
#: Between two attempts to find a database that is away, seconds.
ANEW_EVERY: Final = 0.25


class Watcher:
    """Listens on a connection of its own, which it makes anew when it breaks."""

    def __init__(self, address: str, replica: Replica, heard: Callable[[], None]) -> None:
        """`heard` is called on the watcher's thread."""
        self._address = address
        self._replica = replica
        self._heard = heard
        #: How often the database was found again.
        self.reconnects = 0
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gridhook-watcher", daemon=True)

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and waits for that."""
        self._is_closing.set()
        self._thread.join()

    def _run(self) -> None:
        was_told = False
        while not self._is_closing.is_set():
            try:
                with connect(self._address) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._replica.be_seen(connection)
                    if was_told:
                        self.reconnects += 1
                        log.info("store.found")
                    was_told = False
                    self._listen(connection)
            except (psycopg.Error, StoreError) as wrong:
                if not was_told:
                    log.error("store.lost", reason=first_line(wrong), told="it is tried again until it is back")
                was_told = True
                self._is_closing.wait(ANEW_EVERY)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        """Returns when the store closes. Raises psycopg.Error or StoreError."""
        own = str(self._replica.owner)
        self._heard()
        seen = looked = monotonic()
        while not self._is_closing.is_set():
            # What this process commits it knows; all that has come by now is one signal.
            told = list(connection.notifies(timeout=STEP, stop_after=1))
            if any(one.payload != own for one in told):
                self._heard()
                looked = monotonic()
            if monotonic() - seen >= SEEN_EVERY:
                self._replica.be_seen(connection)
                seen = monotonic()
            if monotonic() - looked >= LOOK_EVERY:
                self._heard()
                looked = monotonic()
