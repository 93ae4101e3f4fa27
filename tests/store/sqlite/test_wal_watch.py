"""A `-wal` that grows since a reader stands open is told, with who it is, and so is its end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from receiver.store.sqlite import checkpoints, wal_watch
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.wal_watch import BUSY, READER, WalWatch, readers, wal_bytes
from support.world import Clock

#: Whether the system tells who has a lock.
NAMES_READERS = Path("/proc/locks").exists()
READ = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT count(*) FROM jobs").fetchone()
print("reads", flush=True)
sys.stdin.read()
"""


@contextmanager
def reader(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that reads a database, and does not end to until it is told to."""
    command = [sys.executable, "-c", READ, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reads\n"
        yield process
        process.communicate()


async def written(store: SqliteStore, lines: list[Any], event: str) -> Any:
    """Writes until the log has this event, which is returned."""
    async with asyncio.timeout(60):
        while not (found := [line for line in lines if line["event"] == event]):
            await store.write(lambda tx: tx.probe(50_000))
    return found[0]


async def test_a_long_reader_is_told_with_who_it_is_and_its_end_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_watch, "LONG_BYTES", 1_000_000)
    monkeypatch.setattr(checkpoints, "KEPT_BYTES", 100_000)
    monkeypatch.setattr(checkpoints, "WRITES", 5)
    file = tmp_path / "a.db"
    with capture_logs() as lines:
        async with SqliteStore(file, Clock()) as store:
            with reader(file) as process:
                told = await written(store, lines, "store.wal_long")
                assert (told["log_level"], told["cause"]) == ("warning", READER)
                assert told["bytes"] > 1_000_000
                if NAMES_READERS:
                    assert told["processes"] == [process.pid]
                assert (await store.read(lambda tx: tx.counts())).wal_bytes == wal_bytes(str(file)) >= told["bytes"]
            assert (await written(store, lines, "store.wal_short"))["bytes"] <= 1_000_000
            assert readers(str(file)) == []


def test_it_is_told_again_only_when_it_has_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_watch, "LONG_BYTES", 100)
    watch, wal = WalWatch(str(tmp_path / "a.db")), tmp_path / "a.db-wal"
    with capture_logs() as lines:
        watch.look(is_held_up=True)
        for size in (100, 101, 150, 201, 202, 300, 404, 100, 101):
            wal.write_bytes(b"x" * size)
            watch.look(is_held_up=False)
    assert [(line["event"], line["bytes"]) for line in lines] == [
        ("store.wal_long", 101),
        ("store.wal_long", 202),
        ("store.wal_long", 404),
        ("store.wal_short", 100),
        ("store.wal_long", 101),
    ]
    assert lines[0]["cause"] == BUSY
