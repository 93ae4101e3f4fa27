"""Restoring: a sound backup of ours takes the database's place, whole or not at all; nothing is thrown away."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from receiver.contracts import Filters
from receiver.errors import StoreError, StoreRefused
from receiver.model.deliveries import Delivery, State, order_lane
from receiver.model.jobs import Status
from receiver.store.sqlite.files.backup import back_up
from receiver.store.sqlite.files.restore import restore
from receiver.store.sqlite.store import SqliteStore
from store.sqlite.files.test_backup import damage, filled, names, rows, untold
from support.records import NOW, a_job
from support.world import Clock


async def backed_up(folder: Path, jobs: int = 3) -> Path:
    """A backup with some jobs."""
    await (await filled(folder / "first.db", jobs)).close()
    back_up(folder / "first.db", folder / "backup.db", untold)
    (folder / "first.db").unlink()
    return folder / "backup.db"


def content(path: str | Path) -> bytes:
    return Path(path).read_bytes()


async def jobs_of(path: Path) -> int:
    async with SqliteStore(path, Clock()) as store:
        return len(await store.read(lambda tx: tx.jobs(Filters(limit=500))))


async def test_it_takes_the_place_and_what_was_there_is_kept(tmp_path: Path) -> None:
    backup = await backed_up(tmp_path)
    await (await filled(tmp_path / "a.db", 5)).close()
    done = restore(tmp_path / "a.db", backup, Clock(), untold)
    assert await jobs_of(tmp_path / "a.db") == 3
    assert done.kept == f"{tmp_path}/a.db.before-restore-20261118T110640.000Z"
    assert await jobs_of(Path(done.kept)) == 5
    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600
    assert rows(backup) == 3


async def test_a_wal_that_was_left_over_goes_with_the_old_file(tmp_path: Path) -> None:
    backup = await backed_up(tmp_path)
    store = await filled(tmp_path / "live.db", 5)
    for suffix in ("", "-wal", "-shm"):  # as a kill leaves them
        shutil.copy(tmp_path / f"live.db{suffix}", tmp_path / f"a.db{suffix}")
    await store.close()
    done = restore(tmp_path / "a.db", backup, Clock(), untold)
    assert not [name for name in names(tmp_path) if name.startswith("a.db-")]
    assert await jobs_of(tmp_path / "a.db") == 3
    assert done.kept is not None
    assert await jobs_of(Path(done.kept)) == 5


@pytest.mark.parametrize("left", [(), ("-wal", "-shm"), ("-journal",)])
async def test_where_there_is_no_database_it_is_put_all_the_same(tmp_path: Path, left: tuple[str, ...]) -> None:
    backup = await backed_up(tmp_path)
    for suffix in left:
        (tmp_path / f"a.db{suffix}").write_bytes(b"left over")
    restore(tmp_path / "a.db", backup, Clock(), untold)
    assert not [name for name in names(tmp_path) if name.startswith("a.db-")]
    assert await jobs_of(tmp_path / "a.db") == 3


async def test_over_a_damaged_database_it_is_put_and_that_is_kept_with_its_wal(tmp_path: Path) -> None:
    backup = await backed_up(tmp_path)
    (tmp_path / "a.db").write_bytes(b"rubbish" * 1000)
    (tmp_path / "a.db-wal").write_bytes(b"more")
    done = restore(tmp_path / "a.db", backup, Clock(), untold)
    assert done.kept is not None
    assert content(done.kept) == b"rubbish" * 1000
    assert await jobs_of(tmp_path / "a.db") == 3


async def test_a_link_to_the_database_stays_a_link(tmp_path: Path) -> None:
    backup = await backed_up(tmp_path)
    await (await filled(tmp_path / "real.db", 5)).close()
    (tmp_path / "a.db").symlink_to(tmp_path / "real.db")
    restore(tmp_path / "a.db", backup, Clock(), untold)
    assert (tmp_path / "a.db").is_symlink()
    assert await jobs_of(tmp_path / "real.db") == 3


@pytest.mark.parametrize("dispatches", [True, False])
async def test_beside_a_process_that_has_it_open_it_is_refused(tmp_path: Path, dispatches: bool) -> None:
    backup = await backed_up(tmp_path)
    store = await filled(tmp_path / "a.db", 5)
    if dispatches:
        await store.own_dispatching()
    with pytest.raises(StoreRefused, match="stop `gridhook serve`"):
        restore(tmp_path / "a.db", backup, Clock(), untold)
    await store.write(lambda tx: tx.add_job(a_job(6, intent="6")))
    await store.close()
    assert await jobs_of(tmp_path / "a.db") == 6


async def test_beside_another_program_it_is_refused(tmp_path: Path) -> None:
    backup = await backed_up(tmp_path)
    await (await filled(tmp_path / "a.db", 5)).close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("SELECT count(*) FROM jobs").fetchone()
        with pytest.raises(StoreRefused, match="open in another program"):
            restore(tmp_path / "a.db", backup, Clock(), untold)
    assert await jobs_of(tmp_path / "a.db") == 5


async def test_nobody_can_open_it_meanwhile(tmp_path: Path) -> None:
    backup = await backed_up(tmp_path)
    await (await filled(tmp_path / "a.db", 5)).close()
    refusals: list[str] = []

    def beside(what: str, _done: int, _total: int) -> None:
        if what == "putting in place":
            with pytest.raises(StoreRefused) as refused:
                back_up(tmp_path / "a.db", tmp_path / "c.db", untold)
            refusals.append(str(refused.value))

    restore(tmp_path / "a.db", backup, Clock(), beside)
    assert len(refusals) == 1


# --- what is no backup


def edited(sql: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(sql)

    return edit


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def text(path: Path) -> None:
    path.write_text("this is no database" * 1000)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


UNFIT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "newer": (edited("PRAGMA user_version = 999"), "schema 999"),
    "another program's": (edited("PRAGMA application_id = 1"), "another program"),
    "without its key": (edited("DELETE FROM meta"), "lacks the key"),
    "damaged": (damage, "damaged|sound"),
    "cut off": (cut, "damaged|sound"),
    "empty": (emptied, "no tables"),
    "text": (text, "no sound database"),
    "a folder": (folder, "is not a file"),
    "a pipe": (pipe, "is not a file"),
    "gone": (Path.unlink, "there is no file"),
}


@pytest.mark.parametrize("unfit", UNFIT)
async def test_what_is_no_sound_backup_of_ours_is_refused_and_all_stays(tmp_path: Path, unfit: str) -> None:
    backup = await backed_up(tmp_path, 200)
    await (await filled(tmp_path / "a.db", 5)).close()
    spoil, sentence = UNFIT[unfit]
    spoil(backup)
    before = names(tmp_path)
    with pytest.raises(StoreError, match=sentence):
        restore(tmp_path / "a.db", backup, Clock(), untold)
    assert names(tmp_path) == before
    assert await jobs_of(tmp_path / "a.db") == 5


async def test_a_young_file_that_was_copied_by_cp_is_refused_and_says_why(tmp_path: Path) -> None:
    store = await filled(tmp_path / "young.db")
    shutil.copy(tmp_path / "young.db", tmp_path / "copy.db")
    await store.close()
    with pytest.raises(StoreRefused, match=r"`cp`.*-wal"):
        restore(tmp_path / "a.db", tmp_path / "copy.db", Clock(), untold)


async def test_the_database_itself_is_no_backup_of_it(tmp_path: Path) -> None:
    await (await filled(tmp_path / "a.db")).close()
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")
    for same in ("a.db", "link.db"):
        with pytest.raises(StoreRefused, match="the database itself"):
            restore(tmp_path / "a.db", tmp_path / same, Clock(), untold)


# --- killed in between, and what is not known afterwards


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("sound", [True, False])
async def test_whenever_it_is_killed_the_place_holds_the_old_one_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sound: bool
) -> None:
    backup = await backed_up(tmp_path)
    steps = 0
    while True:
        steps += 1
        folder = tmp_path / str(steps)
        folder.mkdir()
        await (await filled(folder / "a.db", 5)).close()
        if not sound:
            (folder / "a.db").write_bytes(b"rubbish" * 1000)
        with monkeypatch.context() as patched:
            left = [steps]
            for name in ("link", "unlink", "rename", "fsync", "chown"):
                patched.setattr(os, name, counted(getattr(os, name), left))
            try:
                restore(folder / "a.db", backup, Clock(), untold)
                break
            except Killed:
                pass
        if sound:
            assert await jobs_of(folder / "a.db") in (3, 5)
        else:
            assert content(folder / "a.db") == b"rubbish" * 1000 or await jobs_of(folder / "a.db") == 3
        restore(folder / "a.db", backup, Clock(NOW + 1), untold)
        assert await jobs_of(folder / "a.db") == 3
    assert steps > 4


def counted(call: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """The call; the last one of so many ends all instead."""

    def called(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return call(*args, **more)

    return called


STATUSES: dict[int, Status] = {1: "planned", 2: "planned", 3: "completed", 4: "held"}
ORDERS: tuple[tuple[int, int, State], ...] = ((11, 1, "pending"), (12, 2, "done"), (13, 3, "pending"))


async def test_an_order_that_waited_looks_as_if_it_had_been_under_way(tmp_path: Path) -> None:
    store = await filled(tmp_path / "first.db", 0)

    def plan(tx: Any) -> None:
        for number, status in STATUSES.items():
            tx.add_job(a_job(number, status=status, intent=f"intent-{number}"))
        for number, job, state in ORDERS:
            tx.add_delivery(Delivery(number=number, lane=order_lane("journey"), job=job, state=state, due_at=NOW + 10))
        tx.add_delivery(Delivery(number=14, lane="sink:team", job=1, event=5, due_at=NOW))

    await store.write(plan)
    await store.close()
    back_up(tmp_path / "first.db", tmp_path / "backup.db", untold)
    assert restore(tmp_path / "a.db", tmp_path / "backup.db", Clock(), untold).unsure == 1
    async with SqliteStore(tmp_path / "a.db", Clock()) as later:
        found = await later.read(lambda tx: [tx.job(number) for number in (1, 2, 3, 4)])
        running = await later.read(lambda tx: tx.deliveries(Filters(status="running")))
    assert [kept and kept.job.status for kept in found] == ["submitting", "planned", "completed", "held"]
    assert [(delivery.number, delivery.attempt) for delivery in running] == [(11, 1)]
