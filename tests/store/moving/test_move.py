"""A database goes over into another one: nothing is lost on the way, and nothing is mixed up."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pytest

from receiver.contracts import Breaker, CostRow, Filters, Transaction
from receiver.contracts.moves import Moved
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.lib import ids
from receiver.model.deliveries import Attempt, sink_lane
from receiver.model.destinations import Destination
from receiver.store.moving import move as moving
from receiver.store.moving.ends import MoveMark
from receiver.store.opening import database_at, move
from receiver.store.postgres.migrate import migrate
from receiver.store.postgres.move_end import ServerMoveEnd, open_server_end
from receiver.store.sqlite.move_end import FileMoveEnd, open_file_end
from support.history import Turn, happen
from support.records import AT, NOW
from support.world import Clock

TURNS = 9


def quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def file_in(folder: Path, name: str = "gridhook.db") -> str:
    """The address of a file."""
    return f"sqlite:///{folder / name}"


def write(tx: Transaction) -> None:
    """Something in every table that flows write."""
    for place in range(TURNS):
        turn = Turn(place=place, tags={"of": f"p{place}\0"}, states=("dead" if place % 3 else "running", "done"))
        happen(tx, turn)
        tx.add_attempt(
            turn.deliveries[0],
            Attempt(number=1, started_at=AT, took_ms=3, outcome="delivered", status=200, note="a\0b"),
        )
        tx.put_cost(
            CostRow(
                job=turn.job, source="journey", rule=None, at=NOW, state="spent", unit="credits", amount=Decimal("0.1")
            )
        )
    tx.add_inline_picture(Turn(place=1).job, b"0" * 32, bytes(range(256)))
    tx.put_breaker(Breaker(source="journey", code="account", note="no credits", since=NOW, probe_at=NOW, failures=1))
    tx.put_destination(Destination(lane=sink_lane("team"), wait_until=NOW, failures=2))
    tx.count_warning("journey", "no_picture")
    tx.put_burst_told_at("journey", NOW)
    tx.put_session_key(b"\x00key of the sessions")
    tx.put_set_back_at(NOW)
    tx.add_refused([], 3, 200)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that holds all of it."""
    file = tmp_path_factory.mktemp("whole") / "whole.db"

    async def fill() -> None:
        async with database_at(f"sqlite:///{file}", Clock()) as store:
            await store.write(write)

    asyncio.run(fill())
    return file


@pytest.fixture
def source(whole: Path, tmp_path: Path) -> str:
    """The address of such a file, the test's own."""
    shutil.copyfile(whole, tmp_path / "source.db")
    return file_in(tmp_path, "source.db")


async def filled(address: str) -> None:
    """Puts it all into a database."""
    async with database_at(address, Clock()) as store:
        await store.write(write)


async def everything(address: str) -> list[object]:
    """What a database holds, as flows see it."""

    def read(tx: Transaction) -> list[object]:
        wanted = Filters(limit=500)
        turns = [Turn(place=place) for place in range(TURNS)]
        return [
            list(tx.jobs(wanted)),
            list(tx.events(wanted)),
            list(tx.requests(wanted)),
            list(tx.deliveries(wanted)),
            [tx.attempts(turn.deliveries[0]) for turn in turns],
            [tx.cost(turn.job) for turn in turns],
            tx.cost_sums(0),
            tx.inline_picture(b"0" * 32),
            tx.breakers(),
            tx.destination(sink_lane("team")),
            tx.counts().warnings,
            tx.burst_told_at("journey"),
            tx.session_key(),
            tx.set_back_at(),
            [list(tx.jobs(Filters(limit=500, tags={"of": f"p{place}\N{REPLACEMENT CHARACTER}"}))) for place in (1, 2)],
        ]

    async with database_at(address, Clock()) as store:
        return [store.ref_key, *await store.read(read)]


async def test_there_and_back_again_everything_is_the_same(source: str, tmp_path: Path, postgres: str) -> None:
    there = move(source, postgres, quiet)
    assert (there.resumed, there.lost, there.costs) == (False, TURNS // 3, {"credits": "0.9"})
    kept = await everything(postgres)
    back = move(postgres, file_in(tmp_path, "back.db"), quiet)
    assert await everything(file_in(tmp_path, "back.db")) == kept
    assert kept[0] == (await everything(source))[0]
    assert [one for one in back.tables if one.name != "meta"] == [one for one in there.tables if one.name != "meta"]
    jobs = next(one for one in there.tables if one.name == "jobs")
    assert (jobs.rows, jobs.first, jobs.last) == (TURNS, Turn(place=0).job, Turn(place=TURNS - 1).job)


async def test_what_follows_events_finds_them_in_order(source: str, postgres: str) -> None:
    move(source, postgres, quiet)
    async with database_at(postgres, Clock()) as store:
        after = await store.read(lambda tx: tx.events_after(Turn(place=3).event, 100))
    assert [ids.show("evt", Turn(place=place).event).encode() in body for place, body in enumerate(after, 4)] == [
        True
    ] * (TURNS - 4)


async def test_what_a_process_had_claimed_is_lost_and_nothing_else(source: str, postgres: str) -> None:
    move(source, postgres, quiet)
    async with database_at(postgres, Clock()) as store:
        lost = await store.read(lambda tx: tx.lost(NOW))
    assert len(lost) == TURNS // 3


class Broken(BaseException):
    """The machine went off."""


def breaking(times: int) -> Callable[[str, int, int], None]:
    """Breaks a move off when it tells once more than so many times how far it is."""
    told = iter(range(times))

    def tell(_what: str, _done: int, _total: int) -> None:
        if next(told, None) is None:
            raise Broken

    return tell


async def until_done(source: str, target: str) -> Moved:
    """Moves, broken off again and again, until it is done."""
    broken = 0
    while True:
        try:
            return move(source, target, breaking(7 + 4 * broken))
        except Broken:
            broken += 1
            assert broken < 50
            if broken == 2:
                with pytest.raises(StoreRefused, match="holds only a part"):
                    async with database_at(target, Clock()):
                        pass


async def test_broken_off_anywhere_it_goes_on(
    source: str, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "CHUNK_ROWS", 5)
    assert (await until_done(source, postgres)).resumed
    kept = await everything(postgres)
    assert (await until_done(postgres, file_in(tmp_path, "back.db"))).resumed
    assert await everything(file_in(tmp_path, "back.db")) == kept


def killing(times: int) -> Callable[[str, int, int], None]:
    """Kills this process when it is told once more than so many times how far a move is."""
    told = iter(range(times))

    def tell(_what: str, _done: int, _total: int) -> None:
        if next(told, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


def patiently(source: str, target: str, told: Callable[[str, int, int], None]) -> Moved:
    """Moves, as soon as the server knows that the process before is gone."""
    end = monotonic() + 60
    while True:
        try:
            return move(source, target, told)
        except StoreRefused as wrong:
            if "is being moved already" not in str(wrong) or monotonic() > end:
                raise
            threading.Event().wait(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="a child is killed")
def test_killed_it_goes_on(source: str, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "CHUNK_ROWS", 5)
    for steps in (2, 6, 9):
        child = os.fork()
        if child == 0:
            try:
                patiently(source, postgres, killing(steps))
            finally:
                os._exit(1)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    moved = patiently(source, postgres, quiet)
    assert moved.resumed
    assert {one.name: one.rows for one in moved.tables}["attempts"] == TURNS


async def test_what_changed_between_two_runs_is_copied_anew(
    source: str, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "CHUNK_ROWS", 5)
    with pytest.raises(Broken):
        move(source, postgres, breaking(20))
    async with database_at(source, Clock()) as store:
        await store.write(lambda tx: tx.leave(Turn(place=1).deliveries[0], NOW))
        await store.write(lambda tx: happen(tx, Turn(place=TURNS)))
    assert move(source, postgres, quiet).resumed
    async with database_at(postgres, Clock()) as store:
        assert await store.read(lambda tx: tx.left_at(Turn(place=1).deliveries[0])) == NOW
        assert await store.read(lambda tx: tx.job(Turn(place=TURNS).job)) is not None


async def test_a_target_that_is_not_empty_is_refused_and_stays_as_it_is(source: str, database: str) -> None:
    async with database_at(database, Clock()) as store:
        await store.write(lambda tx: happen(tx, Turn(place=77)))
    with pytest.raises(StoreRefused, match=r"is not empty \(deliveries, events, jobs\)"):
        move(source, database, quiet)
    async with database_at(database, Clock()) as store:
        assert [one.number for one in await store.read(lambda tx: tx.jobs(Filters(limit=9)))] == [Turn(place=77).job]


async def test_a_part_of_another_database_is_refused(source: str, tmp_path: Path, postgres: str) -> None:
    other = source.replace("source.db", "other.db")
    shutil.copyfile(tmp_path / "source.db", tmp_path / "other.db")
    with pytest.raises(Broken):
        move(source, postgres, breaking(3))
    with pytest.raises(StoreRefused, match=r"holds a part of another database, .*/source\.db"):
        move(other, postgres, quiet)


async def test_what_a_process_has_open_is_refused_on_either_side(source: str, tmp_path: Path, database: str) -> None:
    async with database_at(database, Clock()):
        for ends in ((database, file_in(tmp_path, "new.db")), (source, database)):
            with pytest.raises(StoreRefused, match="stop"):
                move(*ends, quiet)
    assert move(source, database, quiet).rows


async def test_as_long_as_it_is_moved_no_process_opens_it(postgres: str) -> None:
    await filled(postgres)
    end = open_server_end(postgres, make=False)
    with closing(end), pytest.raises(StoreRefused, match="being moved"):
        async with database_at(postgres, Clock()):
            pass
    assert (await everything(postgres))[0]


def test_a_source_that_is_not_there_is_refused(tmp_path: Path, postgres: str) -> None:
    for nothing in (file_in(tmp_path), postgres):
        with pytest.raises(StoreRefused, match="nothing can be moved"):
            move(nothing, file_in(tmp_path, "new.db"), quiet)
    assert not (tmp_path / "new.db").exists()
    with pytest.raises(StoreRefused, match="the database itself"):
        move(postgres, postgres, quiet)


async def test_a_target_that_comes_out_different_is_told(
    source: str, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = ServerMoveEnd.add

    def losing(self: ServerMoveEnd, table: str, shape: Any, rows: Any, mark: MoveMark) -> None:
        add(self, table, shape, rows[1:] if table == "attempts" else rows, mark)

    monkeypatch.setattr(ServerMoveEnd, "add", losing)
    with pytest.raises(StoreRefused, match=f"attempts has {TURNS - 1} rows there and {TURNS} in"):
        move(source, postgres, quiet)
    with pytest.raises(StoreRefused, match="holds only a part"):
        async with database_at(postgres, Clock()):
            pass


async def test_a_server_that_goes_away_is_told_in_a_sentence(source: str, postgres: str) -> None:

    def cut(what: str, _done: int, _total: int) -> None:
        if what == "copying jobs":
            with psycopg.connect(postgres, autocommit=True) as db:
                db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> "
                    "pg_backend_pid() AND objid = (SELECT hashtext(current_schema()::text)::bigint & 4294967295)::oid"
                )

    with pytest.raises(StoreUnavailable, match="the move stopped, run it again to go on"):
        move(source, postgres, cut)
    assert move(source, postgres, quiet).resumed


def test_both_engines_have_the_same_tables_and_columns(tmp_path: Path, postgres: str) -> None:
    """What one of them alone had would not be moved."""
    with (
        closing(open_file_end(tmp_path / "gridhook.db", make=True)) as file,
        closing(open_server_end(postgres, make=True)) as server,
    ):
        assert _columns(file) == _columns(server)
        assert {"meta", "meta_numbers", "jobs", "inline_pictures", "tags"} <= _columns(file).keys()


def _columns(end: FileMoveEnd | ServerMoveEnd) -> dict[str, set[str]]:
    return {table: set(shape.columns) for table, shape in end.shapes().items()}


async def test_numbers_that_postgresql_counts_go_on_behind_those_that_came(source: str, postgres: str) -> None:
    move(source, postgres, quiet)
    async with database_at(postgres, Clock()) as store:
        await store.write(lambda tx: tx.add_inline_picture(Turn(place=1).job, b"1" * 32, b"another"))
        assert await store.read(lambda tx: tx.inline_picture(b"1" * 32)) == b"another"


async def test_a_text_in_a_column_of_bytes_goes_over_as_bytes(source: str, tmp_path: Path, postgres: str) -> None:
    with closing(sqlite3.connect(tmp_path / "source.db", isolation_level=None)) as db:
        db.execute("UPDATE requests SET headers = '{}', body = 'text'")
    move(source, postgres, quiet)
    async with database_at(postgres, Clock()) as store:
        assert {one.body for one in await store.read(lambda tx: tx.requests(Filters(limit=99)))} == {b"text"}


async def test_a_schema_that_is_older_than_this_version_is_no_empty_one(source: str, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True, cursor_factory=psycopg.RawCursor) as db:
        migrate(db)
        db.execute("UPDATE meta_numbers SET value = 0 WHERE name = 'schema'")
    with pytest.raises(StoreRefused, match="has schema 0"):
        move(source, postgres, quiet)
