"""Backups: whole or not at all, of one moment, beside who writes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from receiver.errors import StoreError, StoreRefused, StoreUnavailable
from receiver.store.sqlite.files import copying
from receiver.store.sqlite.files.backup import back_up
from receiver.store.sqlite.files.descriptors import hold, let_go
from receiver.store.sqlite.store import SqliteStore
from support.records import a_job
from support.world import Clock


def untold(_what: str, _done: int, _total: int) -> None:
    """Nobody hears how far it is."""


async def filled(path: Path, jobs: int = 3) -> SqliteStore:
    """An open store with some jobs, all of them in the WAL still."""
    store = await SqliteStore(path, Clock()).open()
    for number in range(1, jobs + 1):
        await store.write(lambda tx, number=number: tx.add_job(a_job(number, intent=f"intent-{number}")))  # type: ignore[misc]
    return store


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def rows(path: Path, sql: str = "SELECT count(*) FROM jobs") -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as db:
        return int(db.execute(sql).fetchone()[0])


async def test_a_backup_is_one_file_with_all_that_was_committed(tmp_path: Path) -> None:
    store = await filled(tmp_path / "a.db")
    before = os.umask(0)
    try:
        made = back_up(tmp_path / "a.db", tmp_path / "b.db", untold)
    finally:
        os.umask(before)
        await store.close()
    assert rows(tmp_path / "b.db") == 3
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600
    assert made.bytes == (tmp_path / "b.db").stat().st_size
    assert names(tmp_path) == ["a.db", "b.db"]


async def test_a_backup_of_what_is_written_all_the_time_comes_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "STEP", 1)
    store = await filled(tmp_path / "a.db")
    await store.close()
    steps: list[int] = []

    def written(what: str, _done: int, _total: int) -> None:
        """Another connection writes between any two steps; every second job has a second one beside it."""
        if what == "copying":
            steps.append(1)
            with closing(sqlite3.connect(tmp_path / "a.db")) as db, db:
                db.executemany("INSERT INTO forgotten VALUES (?)", [(2 * len(steps),), (2 * len(steps) + 1,)])

    back_up(tmp_path / "a.db", tmp_path / "b.db", written)
    assert len(steps) > 20
    assert rows(tmp_path / "b.db", "SELECT count(*) FROM forgotten") == 0
    assert rows(tmp_path / "b.db") == 3


async def test_an_older_schema_is_backed_up_as_it_is(tmp_path: Path) -> None:
    await (await filled(tmp_path / "a.db")).close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("PRAGMA user_version = 1")
    assert back_up(tmp_path / "a.db", tmp_path / "b.db", untold).schema == 1
    assert rows(tmp_path / "a.db", "PRAGMA user_version") == 1


def to_a_file(folder: Path) -> Path:
    (folder / "there").write_text("mine")
    return folder / "there"


def to_a_link(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "nowhere")
    return folder / "link"


PLACES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a file": (to_a_file, "is there already"),
    "a dangling link": (to_a_link, "is there already"),
    "a folder": (lambda folder: folder, "is a folder"),
    "the database": (lambda folder: folder / "a.db", "is there already"),
    "its wal": (lambda folder: folder / "a.db-wal", "belongs to the database itself"),
    "its journal": (lambda folder: folder / "a.db-journal", "belongs to the database itself"),
    "no folder": (lambda folder: folder / "none" / "b.db", "make it, or name another"),
    "not writable": (lambda _: Path("/proc/b.db"), "cannot be written|can be written"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_place_that_will_not_do_is_a_sentence_and_stays_as_it_is(tmp_path: Path, place: str) -> None:
    await (await filled(tmp_path / "a.db")).close()
    target, sentence = PLACES[place][0](tmp_path), PLACES[place][1]
    before = names(tmp_path)
    with pytest.raises(StoreError, match=sentence):
        back_up(tmp_path / "a.db", target, untold)
    assert names(tmp_path) == before
    assert rows(tmp_path / "a.db") == 3


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100])
def test_what_is_no_database_is_not_backed_up(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(StoreError):
        back_up(tmp_path / "a.db", tmp_path / "b.db", untold)
    assert not (tmp_path / "b.db").exists()


async def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    await (await filled(tmp_path / "a.db", 200)).close()
    damage(tmp_path / "a.db")
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        back_up(tmp_path / "a.db", tmp_path / "b.db", untold)
    assert names(tmp_path) == ["a.db"]


def damage(path: Path) -> None:
    """Overwrites a page in the middle."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)


async def test_what_interrupts_it_leaves_nothing(tmp_path: Path) -> None:
    await (await filled(tmp_path / "a.db")).close()

    def interrupt(_what: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(tmp_path / "a.db", tmp_path / "b.db", interrupt)
    assert names(tmp_path) == ["a.db"]


async def test_what_a_killed_one_left_is_taken_away_and_what_runs_is_not(tmp_path: Path) -> None:
    await (await filled(tmp_path / "a.db")).close()
    left = tmp_path / copying.DRAFT.format("killed")
    left.write_bytes(b"half")
    seen: list[bool] = []

    def beside(what: str, _done: int, _total: int) -> None:
        """Another backup, at the same time."""
        if what == "checking" and not seen:
            seen.append(left.exists())
            back_up(tmp_path / "a.db", tmp_path / "c.db", untold)

    back_up(tmp_path / "a.db", tmp_path / "b.db", beside)
    assert seen == [False]
    assert names(tmp_path) == ["a.db", "b.db", "c.db"]


async def test_who_loses_the_race_for_a_name_says_so(tmp_path: Path) -> None:
    await (await filled(tmp_path / "a.db")).close()

    def quicker(what: str, _done: int, _total: int) -> None:
        if what == "checking":
            (tmp_path / "b.db").write_text("mine")

    with pytest.raises(StoreRefused, match="stays as it is"):
        back_up(tmp_path / "a.db", tmp_path / "b.db", quicker)
    assert (tmp_path / "b.db").read_text() == "mine"


async def test_a_database_that_goes_meanwhile_makes_no_backup(tmp_path: Path) -> None:
    await (await filled(tmp_path / "a.db")).close()

    def gone(what: str, _done: int, _total: int) -> None:
        if what == "copying":
            (tmp_path / "a.db").rename(tmp_path / "away.db")

    with pytest.raises(StoreUnavailable, match="is gone"):
        back_up(tmp_path / "a.db", tmp_path / "b.db", gone)
    assert not (tmp_path / "b.db").exists()


def test_descriptors_of_one_file_are_closed_together(tmp_path: Path) -> None:
    one, other = (hold(tmp_path / "a", os.O_RDWR | os.O_CREAT) for _ in range(2))
    let_go(one)
    os.fstat(one)
    let_go(other)
    for file in (one, other):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(file)
