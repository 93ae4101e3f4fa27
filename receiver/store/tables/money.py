"""The tables of costs, their sums, and breakers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from receiver.contracts import (
    Breaker,
    CostRow,
    CostSum,
    Scope,
)
from receiver.store.sql.exact import exact_sum
from receiver.store.tables.table import Table

#: Of the spans that sums are of, ms: a UTC day, and a quarter of an hour, in which days begin in every time zone.
SIZES: Final = (86_400_000, 900_000)
#: Later than any cost, and the end of a day.
FOREVER: Final = (1 << 60) // SIZES[0] * SIZES[0]
SUM_COLUMNS: Final = "source, rule, at, state, unit, amount, unknown, jobs"
OF_ONE_SUM: Final = "size = ? AND at = ? AND source = ? AND rule = ? AND state = ? AND unit = ?"
#: Single costs, as if each were a sum.
SINGLE: Final = """(
    SELECT source, rule, at, state, unit, coalesce(amount, '0') AS amount,
        CASE WHEN amount IS NULL THEN 1 ELSE 0 END AS unknown, 1 AS jobs
    FROM costs
) AS single WHERE TRUE"""


class MoneyTable(Table):
    """What jobs cost, and which sources refuse orders."""

    def put_cost(self, row: CostRow) -> None:
        """Writes what a job costs."""
        before = self.cost(row.job)
        if before is not None:
            self._count_in(before, -1)
        self._count_in(row, 1)
        amount = None if row.amount is None else str(row.amount)
        values = (row.job, row.source, row.rule, row.at, row.state, row.unit, amount)
        self._db.execute("INSERT OR REPLACE INTO costs VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def cost(self, job: int) -> CostRow | None:
        """What a job costs."""
        row = self._one("SELECT * FROM costs WHERE job = ?", (job,))
        return cost_of(row) if row else None

    def costs(self, since: int, *, source: str | None = None, rule: str | None = None) -> list[CostRow]:
        """The costs reserved from a moment on, of a source or of a rule, oldest first."""
        given = [(name, value) for name, value in (("source", source), ("rule", rule)) if value is not None]
        where = "".join(f" AND {name} = ?" for name, _ in given)
        sql = f"SELECT * FROM costs WHERE at >= ? {where} ORDER BY at, job"
        return [cost_of(row) for row in self._db.execute(sql, (since, *(value for _, value in given)))]

    def _count_in(self, row: CostRow, times: int) -> None:
        """Adds a cost to its sums (`times` 1), or takes it out of them (-1)."""
        known = Decimal(0) if row.amount is None else row.amount
        amount = known if times == 1 else known.copy_negate()
        for size in SIZES:
            key = sum_key(row, size)
            there = self._one(f"SELECT amount, unknown, jobs FROM cost_sums WHERE {OF_ONE_SUM}", key)
            total, unknown, jobs = there or ("0", 0, 0)
            after = (str(exact_sum((Decimal(total), amount))), unknown + times * (row.amount is None), jobs + times)
            if after[-1]:
                self._db.execute("INSERT OR REPLACE INTO cost_sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*key, *after))
            else:
                self._db.execute(f"DELETE FROM cost_sums WHERE {OF_ONE_SUM}", key)

    def cost_sums(
        self, since: int, until: int | None = None, *, of: Scope | None = None, by_quarters: bool = False
    ) -> list[CostSum]:
        """The costs reserved from `since` on and before `until`, of a source or of a rule, summed up."""
        statements = sum_statements(since, until, of, by_quarters)
        return [sum_of(row) for sql, values in statements for row in self._db.execute(sql, values)]

    def breaker(self, source: str) -> Breaker | None:
        """The open breaker of a source."""
        row = self._one("SELECT * FROM breakers WHERE source = ?", (source,))
        return _breaker(row) if row else None

    def breakers(self) -> list[Breaker]:
        """Every open breaker."""
        return [_breaker(row) for row in self._db.execute("SELECT * FROM breakers ORDER BY source")]

    def put_breaker(self, breaker: Breaker) -> None:
        """Opens a breaker, or changes it."""
        values = msgspec.structs.astuple(breaker)
        self._db.execute("INSERT OR REPLACE INTO breakers VALUES (?, ?, ?, ?, ?, ?)", values)

    def close_breaker(self, source: str) -> None:
        """Orders may go out again."""
        self._db.execute("DELETE FROM breakers WHERE source = ?", (source,))


def sum_statements(
    since: int, until: int | None, of: Scope | None, by_quarters: bool
) -> Iterator[tuple[str, tuple[object, ...]]]:
    """The statements, with their values, that return the sums of `MoneyTable.cost_sums`."""
    where, values = ("", ()) if of is None else (f"AND {of[0]} = ?", of[1:])
    end = FOREVER if until is None else min(until, FOREVER)
    for size, low, high in spans(since, end, SIZES[1:] if by_quarters else SIZES):
        table = "cost_sums WHERE size = ?" if size else SINGLE
        sql = f"SELECT {SUM_COLUMNS} FROM {table} AND at >= ? AND at < ? {where} ORDER BY at"
        yield sql, (*((size,) if size else ()), low, high, *values)


def sum_key(row: CostRow, size: int) -> tuple[int, int, str, str, str, str]:
    """What makes the sum of a size (ms) that a cost is part of one: the first columns of `cost_sums`."""
    return size, row.at - row.at % size, row.source, row.rule or "", row.state, row.unit


def spans(low: int, high: int, sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """A span as (size, begin, end) of spans of these sizes, the largest there are; size 0: less than the smallest."""
    if low >= high:
        return
    if not sizes:
        yield 0, low, high
        return
    size, *smaller = sizes
    first, end = -(-low // size) * size, high // size * size
    if first >= end:
        yield from spans(low, high, smaller)
        return
    yield from spans(low, first, smaller)
    yield size, first, end
    yield from spans(end, high, smaller)


def sum_of(row: tuple[Any, ...]) -> CostSum:
    """The sum of a row of `SUM_COLUMNS`."""
    values = dict(zip(CostSum.__struct_fields__, row, strict=True))
    return CostSum(**{**values, "rule": row[1] or None, "amount": Decimal(row[5])})


def cost_of(row: tuple[Any, ...]) -> CostRow:
    """The cost of a row of `costs`."""
    values = dict(zip(CostRow.__struct_fields__, row, strict=True))
    return CostRow(**{**values, "amount": None if row[6] is None else Decimal(row[6])})


def _breaker(row: tuple[Any, ...]) -> Breaker:
    return Breaker(**dict(zip(Breaker.__struct_fields__, row, strict=True)))
