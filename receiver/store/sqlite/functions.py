"""What the SQL of this program's migrations and queries calls, beside SQLite's own functions and types."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from types import NoneType

from receiver.store.sql.exact import exact_sum
from receiver.store.sql.keys import id_key

# Python's driver asks every None and bytes that it binds to adapt itself, and makes an exception of the refusal, unless
# there is an adapter: these return what they are given.
sqlite3.register_adapter(NoneType, lambda none: none)
sqlite3.register_adapter(bytes, bytes)


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


def teach(db: sqlite3.Connection) -> None:
    """Makes `id_key` known to the SQL of a connection."""
    db.create_function("id_key", 1, lambda known: None if known is None else id_key(known), deterministic=True)
