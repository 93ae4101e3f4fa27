"""Costs summed up as they are written: the sums say to the last digit what the costs say."""

from __future__ import annotations

import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
import pytest

from receiver.contracts import (
    CostRow,
    CostSum,
    Scope,
)
from receiver.lib.ids import Ids
from receiver.store.sql.exact import exact_sum
from receiver.store.sqlite.migrate import migrate, migrations
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.store.tables.money import SIZES, spans
from support.records import NOW
from support.world import Clock, memory_transaction

DAY, QUARTER = SIZES
Totals = dict[tuple[str, str | None, str, str], tuple[Decimal, int, int]]
AMOUNTS: Final = ("2", "0.10", "0.3000000000000000444089209850062616169452667236328125", "1E+3", None)


def a_cost(chance: random.Random, job: int) -> CostRow:
    """Any cost of the last forty days."""
    amount = chance.choice(AMOUNTS)
    return CostRow(
        job=job,
        source=chance.choice(("journey", "frame")),
        rule=chance.choice(("auto-hd", "poster", None)),
        at=NOW - chance.randrange(40 * DAY),
        state=chance.choice(("reserved", "spent", "released")),
        unit=chance.choice(("credits", "USD")),
        amount=None if amount is None else Decimal(amount),
    )


def written(tx: SqliteTransaction, chance: random.Random, count: int = 150) -> None:
    """Costs, of which many were written more than once."""
    for _ in range(count):
        tx.put_cost(a_cost(chance, chance.randrange(1, count // 2)))


def of_rows(rows: Iterable[CostRow]) -> Totals:
    return of_sums(
        CostSum(
            source=row.source, rule=row.rule, at=row.at, state=row.state, unit=row.unit,
            amount=row.amount or Decimal(0), unknown=int(row.amount is None), jobs=1,
        )
        for row in rows
    )  # fmt: skip


def of_sums(sums: Iterable[CostSum]) -> Totals:
    found: Totals = defaultdict(lambda: (Decimal(0), 0, 0))
    for one in sums:
        amount, unknown, jobs = found[one.source, one.rule, one.state, one.unit]
        added = exact_sum((amount, one.amount))
        found[one.source, one.rule, one.state, one.unit] = (added, unknown + one.unknown, jobs + one.jobs)
    return dict(found)


@pytest.mark.parametrize(
    ("seed", "each_engine"), [(0, "sqlite"), (1, "sqlite"), (2, "sqlite"), (0, "postgres")], indirect=["each_engine"]
)
@pytest.mark.parametrize("of", [None, ("source", "journey"), ("rule", "poster")])
@pytest.mark.parametrize("by_quarters", [False, True])
def test_sums_of_any_span_are_those_of_its_costs(
    seed: int, each_engine: None, of: Scope | None, by_quarters: bool
) -> None:
    chance = random.Random(seed)  # noqa: S311
    tx = memory_transaction()
    written(tx, chance)
    for _ in range(30):
        since = chance.choice((0, NOW - chance.randrange(41 * DAY), NOW // DAY * DAY, NOW // QUARTER * QUARTER))
        until = chance.choice((None, since + chance.randrange(40 * DAY), since + QUARTER, since))
        rows = [row for row in tx.costs(since) if until is None or row.at < until]
        rows = [row for row in rows if of is None or getattr(row, of[0]) == of[1]]
        sums = tx.cost_sums(since, until, of=of, by_quarters=by_quarters)
        assert of_sums(sums) == of_rows(rows)
        assert all(since <= one.at and (until is None or one.at < until) for one in sums)


@pytest.mark.usefixtures("each_engine")
def test_a_cost_that_moved_on_leaves_nothing_behind() -> None:
    tx = memory_transaction()
    row = a_cost(random.Random(0), 1)  # noqa: S311
    tx.put_cost(row)
    tx.put_cost(msgspec.structs.replace(row, state="spent", source="other", amount=Decimal("7.25")))
    (only,) = tx.cost_sums(0)
    assert (only.source, only.state, only.amount, only.jobs) == ("other", "spent", Decimal("7.25"), 1)


def test_costs_of_an_earlier_version_are_summed_up_when_the_file_is_migrated(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as db:
        migrate(db)
        tx = SqliteTransaction(db, Ids(Clock()))
        written(tx, random.Random(1))  # noqa: S311
        before = of_sums(tx.cost_sums(0))
        (fill,) = [
            statement for _, sql in migrations() for statement in sql.split(";") if "INSERT INTO cost_sums" in statement
        ]
        db.execute("DELETE FROM cost_sums")
        db.execute(fill)
        assert of_sums(tx.cost_sums(0)) == before


@pytest.mark.parametrize(
    ("low", "high"), [(0, 5), (3, DAY), (DAY - 1, 3 * DAY + 1), (QUARTER, QUARTER), (5, 4), (7, 9 * QUARTER), (0, DAY)]
)
def test_a_span_is_cut_without_a_gap_into_few_pieces(low: int, high: int) -> None:
    pieces = list(spans(low, high, SIZES))
    assert len(pieces) <= 5
    assert [begin for _, begin, _ in pieces[1:]] == [end for _, _, end in pieces[:-1]]
    assert not pieces or (pieces[0][1], pieces[-1][2]) == (low, high)
    assert bool(pieces) == (low < high)
    assert all(begin % size == end % size == 0 for size, begin, end in pieces if size)
