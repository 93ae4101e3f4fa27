"""Whose turn it is to write, where several processes write one file."""

from __future__ import annotations

import sqlite3
from time import monotonic, sleep
from typing import Final

from receiver.errors import StoreUnavailable
from receiver.store.sqlite.files.live_file import LiveFile

#: Between two tries to begin, seconds. SQLite itself waits for up to 0.1 s between them, so that a process which
#: commits again and again lets another one in by luck only.
STEP: Final = 0.0005
#: How long turns are taken after another process was met, seconds.
TAKEN_FOR: Final = 1.0
#: The longest that a turn is waited for, seconds: who has it may have been stopped.
PATIENCE: Final = 0.25


class WriteTurns:
    """Begins write transactions. Processes that meet each other take turns, so that none of them waits for long.

    Who waits to begin has the turn, and no process that has just written begins again before. Where nobody else writes
    that costs nothing.
    """

    def __init__(self, live: LiveFile) -> None:
        self._live = live
        #: Until when turns are taken, on the steady clock, seconds.
        self._until = 0.0

    def met_others(self) -> None:
        """Another process writes too."""
        self._until = monotonic() + TAKEN_FOR

    def begin(self, db: sqlite3.Connection, seconds: float) -> None:
        """Begins a write transaction; others may have theirs for so many seconds before that.

        Raises sqlite3.OperationalError (SQLITE_BUSY) when the time is up, or what else keeps it from beginning.
        """
        if monotonic() >= self._until and _begin(db):
            return
        self.met_others()
        is_ours = self._take_turn(min(PATIENCE, seconds))
        try:
            _begin_within(db, seconds)
        finally:
            if is_ours:
                self._live.end_turn()

    def _take_turn(self, seconds: float) -> bool:
        end = monotonic() + seconds
        try:
            while not self._live.take_turn():
                if monotonic() >= end:
                    return False
                sleep(STEP)
        except StoreUnavailable:  # it cannot be locked: then it goes by luck
            return False
        return True


def _begin_within(db: sqlite3.Connection, seconds: float) -> None:
    end = monotonic() + seconds
    while not _begin(db):
        if monotonic() >= end:
            db.execute("BEGIN IMMEDIATE")  # raises, or begins after all
            return
        sleep(STEP)


def _begin(db: sqlite3.Connection) -> bool:
    """Begins, or says that another process writes."""
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as wrong:
        if wrong.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def wait_no_more(db: sqlite3.Connection, seconds: float = 0.0) -> None:
    """Has SQLite itself wait for other processes for so long only, seconds."""
    db.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
