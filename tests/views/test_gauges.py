"""What `/metrics` shows of the store, and that no table is read through for it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec

from receiver.contracts import Transaction
from receiver.lib.ids import Ids
from receiver.model.destinations import Destination
from receiver.store.sqlite.functions import teach
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.views.gauges import gauges
from support.face import GRID, a_face
from support.money import a_day
from support.records import NOW
from support.world import Clock

#: Tables that grow with what comes in; each is only read by an index, or from its newest rows on.
GROWING = "jobs|events|requests|deliveries|attempts|costs|tags"


async def test_what_waits_is_told_with_its_age(tmp_path: Path, on_sqlite: None) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        await face.submit()
        found = await face.store.read(lambda tx: gauges(tx, face.setup, ["team", "other"], NOW + 60_000))
        team, other = found.sinks
        (orders,) = found.orders
        assert (team.pending, other.pending, orders.pending) == (1, 0, 1)
        assert (team.due, other.due, orders.due) == (1, 0, 1)
        assert team.oldest_at is not None
        assert abs(team.oldest_at - NOW) < 5_000
        assert other.oldest_at is None
        assert found.database_bytes > 0
        assert found.webhooks.keys() == {"journey"}


async def test_what_waits_for_its_time_or_for_a_destination_is_not_due(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        for destination, now, due in (
            (None, NOW - 60_000, 0),
            (None, NOW + 60_000, 1),
            (Destination(lane="sink:team", wait_until=NOW + 90_000), NOW + 60_000, 0),
            (Destination(lane="sink:team", wait_until=NOW + 90_000), NOW + 90_000, 1),
            (Destination(lane="sink:team", failures=20, paused_at=NOW), NOW + 90_000, 0),
        ):
            if destination is not None:
                await face.store.write(partial(put, destination))
            found = await face.store.read(partial(gauges, setup=face.setup, sinks=["team"], now=now))
            assert (found.sinks[0].pending, found.sinks[0].due) == (1, due), (destination, now)


def put(destination: Destination, tx: Transaction) -> None:
    tx.put_destination(destination)


async def test_budgets_and_costs_are_told_without_reading_jobs(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        setup = msgspec.structs.replace(face.setup, limits=a_day("10"))
        await face.submit()
        found = await face.store.read(lambda tx: gauges(tx, setup, [], NOW))
        (budget,) = found.budgets
        assert (budget.name, budget.amount, budget.left) == ("journey", Decimal(10), Decimal(10) - budget.used)
        assert [line.name for line in found.costs] in ([], ["journey"])


async def test_no_table_that_grows_is_read_through(tmp_path: Path, on_sqlite: None) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        await face.submit()
        setup = msgspec.structs.replace(face.setup, limits=a_day("10"))
    asked: list[str] = []
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as db:
        teach(db)
        db.set_trace_callback(asked.append)
        gauges(SqliteTransaction(db, Ids(Clock())), setup, ["team"], NOW)
        db.set_trace_callback(None)
        scanned = {
            (plan[3], sql)
            for sql in asked
            if sql.lstrip().startswith("SELECT")
            for plan in db.execute(f"EXPLAIN QUERY PLAN {sql}")
            if re.match(rf"SCAN ({GROWING})\b(?!.* USING )", plan[3]) and "LIMIT" not in sql
        }
    assert len(asked) > 10
    assert scanned == set()
