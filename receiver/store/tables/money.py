"""Costs and breakers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from receiver.contracts import Breaker, CostRow
from receiver.store.tables.table import Table


class Money(Table):
    """What jobs cost, and which sources refuse orders."""

    def put_cost(self, row: CostRow) -> None:
        """Writes what a job costs."""
        amount = None if row.amount is None else str(row.amount)
        values = (row.job, row.source, row.rule, row.at, row.state, row.unit, amount)
        self._db.execute("INSERT OR REPLACE INTO costs VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def cost(self, job: int) -> CostRow | None:
        """What a job costs."""
        row = self._one("SELECT * FROM costs WHERE job = ?", (job,))
        return _cost(row) if row else None

    def costs(self, since: int, *, source: str | None = None, rule: str | None = None) -> list[CostRow]:
        """The costs reserved from a moment on, of a source or of a rule, oldest first."""
        where: list[str] = ["at >= ?"]
        values: list[object] = [since]
        for name, value in (("source", source), ("rule", rule)):
            if value is not None:
                where.append(f"{name} = ?")
                values.append(value)
        sql = f"SELECT * FROM costs WHERE {' AND '.join(where)} ORDER BY at, job"
        return [_cost(row) for row in self._db.execute(sql, values)]

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


def _cost(row: tuple[Any, ...]) -> CostRow:
    values = dict(zip(CostRow.__struct_fields__, row, strict=True))
    return CostRow(**{**values, "amount": None if row[6] is None else Decimal(row[6])})


def _breaker(row: tuple[Any, ...]) -> Breaker:
    return Breaker(**dict(zip(Breaker.__struct_fields__, row, strict=True)))
