"""The file of an open store: its lock, its modes, and that it is noticed when it is not at its path any more."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.sqlite.files import locks
from receiver.store.sqlite.files.live_file import is_dispatched
from receiver.store.sqlite.inspection import inspect
from receiver.store.sqlite.store import LOOK_EVERY, SqliteStore
from support.records import a_job
from support.server import until
from support.world import Clock

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the lock is on a file beside the database")


async def keep(store: SqliteStore, number: int) -> None:
    await store.write(lambda tx: tx.add_job(a_job(number, intent=f"intent-{number}")))


async def has(store: SqliteStore, number: int) -> bool:
    return await store.read(lambda tx: tx.job(number)) is not None


def kept(path: Path) -> int:
    """How many jobs there are in a file of which no `-wal` is left."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM jobs").fetchone()[0])


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def look_from_outside(path: Path) -> None:
    """Another process reads the file and closes it."""
    look = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT * FROM sqlite_master'); db.close()"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", look, str(path))
    assert await process.wait() == 0


# --- the lock


@linux
@pytest.mark.parametrize("way", ["symlink", "symlinked folder", "renamed folder", "lock file removed", "relative"])
async def test_a_database_has_one_dispatcher_however_it_is_reached(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    async with SqliteStore(folder / "a.db", Clock()) as store:
        await store.own_dispatching()
        other = folder / "a.db"
        if way == "symlink":
            other = tmp_path / "link.db"
            other.symlink_to(folder / "a.db")
        elif way == "symlinked folder":
            (tmp_path / "link").symlink_to(folder)
            other = tmp_path / "link" / "a.db"
        elif way == "renamed folder":
            other = folder.rename(tmp_path / "moved") / "a.db"
        elif way == "lock file removed":
            (folder / "a.db.lock").unlink(missing_ok=True)
        else:
            monkeypatch.chdir(tmp_path)
            other = Path("data/../data/a.db")
        assert is_dispatched(other)
        async with SqliteStore(other, Clock()) as second:
            assert second.dispatched()
            with pytest.raises(StoreRefused, match=f"another gridhook process \\(pid {os.getpid()}\\)"):
                await second.own_dispatching()
    assert not is_dispatched(other)


@linux
@pytest.mark.parametrize("looked_at_first", [False, True])
async def test_a_hard_link_to_an_open_database_is_refused(tmp_path: Path, looked_at_first: bool) -> None:
    """Its WAL has another name, so the two would know nothing of each other."""
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        (tmp_path / "b").mkdir()
        os.link(tmp_path / "a.db", tmp_path / "b" / "a.db")
        if looked_at_first:  # by a program that makes a WAL of that name
            await look_from_outside(tmp_path / "b" / "a.db")
            (tmp_path / "b" / "a.db-wal").touch()
            (tmp_path / "b" / "a.db-shm").touch()
        assert not store.dispatched()
        with pytest.raises(StoreRefused, match="under another name"):
            await SqliteStore(tmp_path / "b" / "a.db", Clock()).open()
        with pytest.raises(StoreRefused, match="under another name"):
            inspect(tmp_path / "b" / "a.db")
    async with SqliteStore(tmp_path / "b" / "a.db", Clock()):
        pass


@linux
async def test_who_looks_at_the_lock_takes_it_from_nobody(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        assert not is_dispatched(tmp_path / "a.db")
        await store.own_dispatching()
        for _ in range(3):
            assert is_dispatched(tmp_path / "a.db")
            inspect(tmp_path / "a.db")
        # Closing any descriptor of the file would have given up SQLite's own locks; another process would see that.
        await look_from_outside(tmp_path / "a.db")
        assert (tmp_path / "a.db-wal").exists()


@linux
def test_a_lock_that_cannot_be_read_means_that_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.db").touch()
    assert not is_dispatched(tmp_path / "a.db")

    def broken(*_: object) -> bool:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(locks, "is_taken", broken)
    assert is_dispatched(tmp_path / "a.db")
    assert not is_dispatched(tmp_path / "none.db")
    (tmp_path / "loop.db").symlink_to(tmp_path / "loop.db")
    assert is_dispatched(tmp_path / "loop.db")


@linux
async def test_a_kernel_without_such_locks_has_one_dispatcher_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> bytes:
        raise OSError(errno.EINVAL, "invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", unknown)
    async with SqliteStore(tmp_path / "a.db", Clock()) as one, SqliteStore(tmp_path / "a.db", Clock()) as other:
        await one.own_dispatching()
        assert other.dispatched()
        with pytest.raises(StoreRefused, match="another gridhook process"):
            await other.own_dispatching()
    assert not is_dispatched(tmp_path / "a.db")


# --- where the file is


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    shutil.copy(path, f"{path}.new")
    Path(f"{path}.new").rename(path)


def move(path: Path) -> None:
    path.rename(f"{path}.away")


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("harm", [remove, replace, move])
async def test_nothing_is_acknowledged_once_a_file_is_gone(
    tmp_path: Path, suffix: str, harm: Callable[[Path], None]
) -> None:
    with capture_logs() as logged:
        async with SqliteStore(tmp_path / "a.db", Clock()) as store:
            await keep(store, 1)
            harm(tmp_path / f"a.db{suffix}")
            for number in range(2, 5):
                with pytest.raises(StoreUnavailable, match=rf"a\.db{suffix} is (gone|another file now)"):
                    await keep(store, number)
            await asyncio.sleep(3 * LOOK_EVERY)
            assert await has(store, 1)
    told = [line for line in logged if line["log_level"] == "error"]
    assert [line["event"] for line in told] == ["store.lost"]
    assert f"a.db{suffix} is" in told[0]["reason"]


@pytest.mark.parametrize("suffixes", [("",), ("-wal",), ("-shm",), ("", "-wal", "-shm")])
async def test_what_comes_back_as_it_was_is_written_again(tmp_path: Path, suffixes: tuple[str, ...]) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await keep(store, 1)
        for suffix in suffixes:
            (tmp_path / f"a.db{suffix}").rename(tmp_path / f"away{suffix}")
        with pytest.raises(StoreUnavailable):
            await keep(store, 2)
        for suffix in suffixes:
            (tmp_path / f"away{suffix}").rename(tmp_path / f"a.db{suffix}")
        async with asyncio.timeout(10):
            while True:
                try:
                    await keep(store, 3)
                    break
                except StoreUnavailable:
                    await asyncio.sleep(LOOK_EVERY / 4)
    async with SqliteStore(tmp_path / "a.db", Clock()) as later:
        for number in (1, 3):
            assert await has(later, number)


@pytest.mark.parametrize("suffixes", [("-wal",), ("-wal", "-shm")])
async def test_what_was_acknowledged_is_saved_when_the_wal_is_removed(
    tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        for number in range(1, 31):
            await keep(store, number)
        for suffix in suffixes:
            (tmp_path / f"a.db{suffix}").unlink()
        await until(lambda: kept_in_copy(tmp_path) == 30, "all that was acknowledged is in the file")


def kept_in_copy(folder: Path) -> int:
    """How many jobs there are in the file alone, as a kill would leave it."""
    shutil.copy(folder / "a.db", folder / "copy.db")
    with closing(sqlite3.connect(f"file:{folder}/copy.db?immutable=1", uri=True)) as db:
        try:
            return int(db.execute("SELECT count(*) FROM jobs").fetchone()[0])
        except sqlite3.DatabaseError:
            return 0


async def test_our_wal_is_not_read_into_a_file_that_took_the_place_of_ours(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "other.db", Clock()) as other:
        await keep(other, 1)
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        for number in range(1, 31):
            await keep(store, number)
        (tmp_path / "other.db").rename(tmp_path / "a.db")
        await until(lambda: not (tmp_path / "a.db-wal").exists(), "our WAL is set aside")
        assert len([name for name in os.listdir(tmp_path) if name.startswith("a.db-wal.lost-")]) == 1
        assert kept(tmp_path / "a.db") == 1
    assert kept(tmp_path / "a.db") == 1


async def test_who_ends_after_the_loss_takes_nothing_of_the_next_one(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await keep(store, 1)
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / f"a.db{suffix}").unlink()
        async with SqliteStore(tmp_path / "a.db", Clock()) as second:
            await keep(second, 2)
            await store.close()
            assert (tmp_path / "a.db-wal").exists()
            await keep(second, 3)
    assert kept(tmp_path / "a.db") == 2


# --- who may read it


async def test_all_files_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with SqliteStore(tmp_path / "a.db", Clock()) as store:
            await keep(store, 1)
            assert {mode(tmp_path / f"a.db{suffix}") for suffix in ("", "-wal", "-shm")} == {0o600}
    finally:
        os.umask(before)


@pytest.mark.parametrize("loose", [0o644, 0o666, 0o640, 0o777])
async def test_a_file_that_others_can_read_is_tightened_and_told_once(tmp_path: Path, loose: int) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()):
        pass
    (tmp_path / "a.db").chmod(loose)
    with capture_logs() as logged:
        for _ in range(2):
            async with SqliteStore(tmp_path / "a.db", Clock()):
                assert {mode(tmp_path / f"a.db{suffix}") & 0o077 for suffix in ("", "-wal", "-shm")} == {0}
    assert [line["event"] for line in logged] == ["store.tightened"]
    assert logged[0]["mode"] == f"{loose:04o}"


# --- what is no file, or not ours


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("what", [a_folder, a_pipe, a_loop])
async def test_what_is_no_file_is_a_sentence(tmp_path: Path, what: Callable[[Path], None]) -> None:
    what(tmp_path / "a.db")
    with pytest.raises(StoreUnavailable, match=r"a\.db"):
        await SqliteStore(tmp_path / "a.db", Clock()).open()
