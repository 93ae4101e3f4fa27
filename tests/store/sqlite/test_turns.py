"""Turns of processes that write one file: each writer here stands for a process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from receiver.store.sqlite import turns
from receiver.store.sqlite.files.live_file import LiveFile
from receiver.store.sqlite.turns import WriteTurns


class Writer:
    """A connection to the file, and its turns."""

    def __init__(self, path: Path) -> None:
        self.live = LiveFile(path)
        self.turns = WriteTurns(self.live)
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")

    def write(self, name: str, order: list[str]) -> None:
        """One transaction, noted once it has begun."""
        self.turns.begin(self.db, 60)
        order.append(name)
        self.db.execute("COMMIT")

    def close(self) -> None:
        """Ends it."""
        self.db.close()
        self.live.close()


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[tuple[Writer, Writer, Writer]]:
    with (
        closing(Writer(tmp_path / "a.db")) as one,
        closing(Writer(tmp_path / "a.db")) as two,
        closing(Writer(tmp_path / "a.db")) as three,
    ):
        yield one, two, three


def waits(writer: Writer, name: str, order: list[str], beside: Writer) -> threading.Thread:
    """A thread in which a writer waits to begin, and has the turn as another one sees it."""
    thread = threading.Thread(target=writer.write, args=(name, order))
    thread.start()
    while beside.live.take_turn():
        beside.live.end_turn()
    return thread


def test_who_waits_begins_before_one_that_has_just_written(
    writers: tuple[Writer, Writer, Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 60)
    busy, waiting, beside = writers
    order: list[str] = []
    busy.turns.begin(busy.db, 60)
    thread = waits(waiting, "waiting", order, beside)
    busy.db.execute("COMMIT")
    busy.turns.met_others()
    busy.write("busy", order)
    thread.join(60)
    assert order == ["waiting", "busy"]


def test_one_that_was_stopped_with_the_turn_holds_nobody_up(
    writers: tuple[Writer, Writer, Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    stopped, busy, _ = writers
    assert stopped.live.take_turn()
    busy.turns.met_others()
    order: list[str] = []
    busy.write("busy", order)
    assert order == ["busy"]


def test_who_cannot_begin_in_time_is_told_that_the_file_is_busy_and_gives_its_turn_back(
    writers: tuple[Writer, Writer, Writer],
) -> None:
    writing, late, beside = writers
    writing.turns.begin(writing.db, 60)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        late.turns.begin(late.db, 0.01)
    assert beside.live.take_turn()


def test_what_is_no_lock_is_raised_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database" * 100)
    with (
        closing(LiveFile(tmp_path / "a.db")) as live,
        closing(sqlite3.connect(tmp_path / "a.db")) as db,
        pytest.raises(sqlite3.DatabaseError, match="not a database"),
    ):
        WriteTurns(live).begin(db, 60)
