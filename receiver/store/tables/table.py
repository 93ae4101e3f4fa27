"""What the tables share."""

from __future__ import annotations

from typing import Any

from receiver.lib.ids import IdLead, Ids
from receiver.store.sql.choices import ChoicesCache
from receiver.store.sql.statements import Statements


class Table:
    """Reads and writes rows within an open transaction; begin and commit are the store's."""

    ids: Ids
    #: The table of what is known by name and is a number.
    numbers_table = "meta"
    #: Whose the deliveries are that it claims.
    owner: int
    _db: Statements
    _shared: ChoicesCache

    def _leads(self) -> list[IdLead]:
        """How far ids run ahead of the clock, from which on, in order; nearly always empty."""
        kept = self._db.execute("SELECT number, ahead FROM id_leads ORDER BY number DESC LIMIT 1000").fetchall()
        return [*(IdLead(*row) for row in reversed(kept)), *self.ids.leads]

    def _one(self, sql: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
        return row

    def _count(self, sql: str, values: tuple[object, ...]) -> int:
        row = self._one(sql, values)
        return int(row[0]) if row else 0
