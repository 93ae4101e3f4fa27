"""The store on SQLite."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import aiosqlite
import pytest

from receiver.contracts import (
    Filters,
    Transaction,
)
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.model.events import KeptEvent
from receiver.store.sqlite import checkpoints
from receiver.store.sqlite.functions import teach, teach_sums
from receiver.store.sqlite.migrate import APPLICATION_ID, migrate, migrations
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.threads import on_thread
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.store.tables import deliveries, events, jobs, requests
from support.records import NOW, a_job
from support.world import Clock


def put(number: int) -> Callable[[Transaction], None]:
    """Work that keeps a job."""
    return lambda tx: tx.add_job(a_job(number, intent=f"intent-{number}"))


async def count(store: SqliteStore) -> int:
    """How many jobs are kept."""
    return len(await store.read(lambda tx: tx.jobs(Filters(limit=500))))


async def test_a_full_disk_is_unavailable_writes_nothing_and_passes_by_itself(tmp_path: Path) -> None:
    def limit(pages: int) -> Callable[[Transaction], None]:
        def work(tx: Transaction) -> None:
            assert isinstance(tx, SqliteTransaction)
            tx._db.execute(f"PRAGMA max_page_count = {pages}")

        return work

    def big(tx: Transaction) -> None:
        tx.add_job(a_job(1, prompt="small", intent="1"))
        tx.add_job(a_job(2, prompt="x" * 500_000, intent="2"))

    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await store.write(limit(60))
        with pytest.raises(StoreUnavailable, match="full"):
            await store.write(big)
        assert await count(store) == 0
        await store.write(limit(10_000))
        await store.write(big)
        assert await count(store) == 2


async def test_a_database_of_a_newer_version_is_refused_with_a_clear_word(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()):
        pass
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(StoreRefused, match="version 999"):
        await SqliteStore(tmp_path / "a.db", Clock()).open()


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(StoreRefused, match="another program"):
        await SqliteStore(tmp_path / "a.db", Clock()).open()


async def test_a_file_that_is_no_database_is_refused_without_a_stack(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database, " * 100)
    with pytest.raises(StoreUnavailable, match=r"a\.db"):
        await SqliteStore(tmp_path / "a.db", Clock()).open()


async def test_a_folder_that_is_not_there_is_a_clear_word(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere"):
        await SqliteStore(tmp_path / "nowhere" / "a.db", Clock()).open()


@pytest.fixture
def threads_end_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of a connection goes on for a moment after it did its last work, as on a busy machine."""
    work = aiosqlite.core._connection_worker_thread

    def work_and_linger(queue: SimpleQueue[Any]) -> None:
        work(queue)
        time.sleep(0.05)

    monkeypatch.setattr(aiosqlite.core, "_connection_worker_thread", work_and_linger)


@pytest.mark.usefixtures("threads_end_late")
async def test_a_closed_store_has_no_thread_left(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    async with SqliteStore(tmp_path / "a.db", Clock()):
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) <= before


@pytest.mark.usefixtures("threads_end_late")
async def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(StoreUnavailable, match="unable to open"):
        await SqliteStore(tmp_path / "nowhere" / "a.db", Clock()).open()
    assert set(threading.enumerate()) <= before


@pytest.mark.usefixtures("threads_end_late")
async def test_a_store_that_cannot_be_opened_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(*_: object) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    before = set(threading.enumerate())
    monkeypatch.setattr(os, "open", no_more)
    with pytest.raises(StoreUnavailable, match="too many open files"):
        await SqliteStore(tmp_path / "a.db", Clock()).open()
    assert set(threading.enumerate()) <= before
    assert not (tmp_path / "a.db-wal").exists()


async def test_one_file_has_one_dispatcher(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()) as one, SqliteStore(tmp_path / "a.db", Clock()) as other:
        await one.own_dispatching()
        with pytest.raises(StoreRefused, match="another gridhook process"):
            await other.own_dispatching()
    async with SqliteStore(tmp_path / "a.db", Clock()) as later:
        await later.own_dispatching()


def tell(request: int) -> Callable[[Transaction], int]:
    """Work that keeps an event of a job of its own; returns the event's number."""

    def work(tx: Transaction) -> int:
        kept = a_job(tx.ids.next(), intent=f"intent-{request}")
        number = tx.ids.next()
        tx.add_event(KeptEvent(number=number, job=kept.number, type="job.progress", key=1, at=NOW, data=kept.job))
        return number

    return work


async def test_ids_go_on_behind_those_of_a_process_that_ran_ahead_of_the_clock(tmp_path: Path) -> None:
    clock = Clock()
    async with SqliteStore(tmp_path / "a.db", clock) as one, SqliteStore(tmp_path / "a.db", clock) as other:
        await one.write(tell(1))
        clock.now -= 3_600_000  # set back
        ahead = await one.write(tell(2))
        behind = await other.write(tell(3))
        assert behind > ahead
        assert await other.read(lambda tx: tx.made_at(behind)) == clock()


async def test_the_wal_is_written_over_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "WRITES", 20)
    monkeypatch.setattr(checkpoints, "LONG", 50)
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        for number in range(1, 601):  # each is some ten pages, 25 MB together
            await store.write(put(number))
        size = (tmp_path / "a.db-wal").stat().st_size
        assert size < 5_000_000


async def test_little_is_left_to_flush_when_commits_wait_for_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "WRITES", 20)
    monkeypatch.setattr(checkpoints, "LONG", 50)
    done: list[str] = []
    checkpoint, flush = checkpoints.checkpoint, checkpoints._flush

    def noted(db: sqlite3.Connection) -> checkpoints.WalPages:
        done.append("by the writer" if db is writer else "pass")
        return checkpoint(db)

    def flushed(file: int) -> None:
        done.append("flush")
        flush(file)

    monkeypatch.setattr(checkpoints, "checkpoint", noted)
    monkeypatch.setattr(checkpoints, "_flush", flushed)
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        writer = store._writer._conn
        numbers = iter(range(1, 100_000))
        async with asyncio.timeout(30):
            while done.count("by the writer") < 3:
                await asyncio.gather(*(store.write(put(next(numbers))) for _ in range(20)))
    steps = list(pairwise(done))
    assert {after for before, after in steps if before == "pass"} == {"flush"}
    assert {before for before, after in steps if after == "by the writer"} == {"flush"}


async def test_another_process_that_comes_and_goes_leaves_the_wal_alone(tmp_path: Path) -> None:
    """The locks that say so would be gone if anything here had closed the file (POSIX)."""
    look = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT * FROM jobs'); db.close()"
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await store.write(put(1))
        await on_thread(store._checkpoints._own, store._checkpoints._pass)
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", look, str(tmp_path / "a.db"))
        assert await process.wait() == 0
        assert (tmp_path / "a.db-wal").exists()
    assert not (tmp_path / "a.db-wal").exists()


async def test_writes_are_full_synchronous_in_wal(tmp_path: Path) -> None:
    def pragmas(tx: Transaction) -> tuple[object, object]:
        assert isinstance(tx, SqliteTransaction)
        names = ("journal_mode", "synchronous")
        mode, sync = (tx._db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        return mode, sync

    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        assert await store.write(pragmas) == ("wal", 2)


def test_migrations_have_rising_numbers_of_their_own() -> None:
    numbers = [number for number, _ in migrations()]
    assert numbers == sorted(set(numbers))


def test_migrating_twice_changes_nothing() -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    assert migrate(db)
    assert migrate(db) == []
    db.close()


def migrated(db: sqlite3.Connection, but: int, up_to: int) -> None:
    """A file as a build left it that did not have the migration numbered `but`."""
    teach(db)
    teach_sums(db)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for number, sql in migrations():
        if number != but and number <= up_to:
            db.executescript(f"{sql}\nPRAGMA user_version = {number};")


@pytest.mark.parametrize("before", [1, 40, 90])
def test_every_schema_goes_on_to_the_newest(before: int) -> None:
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    with (
        closing(sqlite3.connect(":memory:", isolation_level=None)) as db,
        closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh,
    ):
        migrated(db, 0, before)
        assert migrate(db) == [number for number, _ in migrations() if number > before]
        migrate(fresh)
        assert db.execute(schema).fetchall() == fresh.execute(schema).fetchall()


@pytest.mark.parametrize(
    ("but", "up_to", "lacking"),
    [
        (70, 90, "inline_pictures"),
        (70, 91, "inline_pictures"),
        (90, 91, "deliveries.left_at"),
        (40, 70, "events.archive"),
    ],
)
def test_a_file_that_a_build_between_releases_left_without_a_migration_is_refused(
    but: int, up_to: int, lacking: str
) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrated(db, but, up_to)
        with pytest.raises(StoreRefused, match=f"schema version {up_to}, but not {lacking}"):
            migrate(db)


@pytest.mark.parametrize("sql", [requests.ADD, jobs.ADD, events.ADD, deliveries.ADD, deliveries.ADD_NEW])
def test_a_row_is_written_without_a_table_made_for_it(sql: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        steps = [row[1] for row in db.execute(f"EXPLAIN {sql}", [None] * sql.count("?"))]
    assert "Insert" in steps
    assert "OpenEphemeral" not in steps
