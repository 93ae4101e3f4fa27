"""Exact sums of amounts, which are kept as text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Final

#: More digits than any sum of amounts has: nothing is rounded.
EXACT: Final = Context(prec=100)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, to the last digit."""
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


class DecimalSum:
    """`decimal_sum` in SQL: the exact sum of amounts as text; what is NULL is left out."""

    def __init__(self) -> None:
        self._total = Decimal(0)

    def step(self, amount: str | None) -> None:
        """Adds one amount, decimal text; None counts as nothing. Called by SQLite for each row."""
        if amount is not None:
            self._total = exact_sum((self._total, Decimal(amount)))

    def finalize(self) -> str:
        """The sum as decimal text. Called by SQLite after the last row."""
        return str(self._total)


def teach_sums(db: sqlite3.Connection) -> None:
    """Makes `decimal_sum` known to the SQL of a connection."""
    # The types of the standard library know only aggregates of integers.
    db.create_aggregate("decimal_sum", 1, DecimalSum)  # type: ignore[arg-type]
