"""What the tables share."""

from __future__ import annotations

import sqlite3
from types import NoneType
from typing import Any

from receiver.lib.ids import IdLead, Ids
from receiver.store.sqlite.choices import ChoicesCache

# Python's driver asks every None and bytes that it binds to adapt itself, and makes an exception of the refusal, unless
# there is an adapter: these return what they are given.
sqlite3.register_adapter(NoneType, lambda none: none)
sqlite3.register_adapter(bytes, bytes)


class Table:
    """Reads and writes rows on an open SQLite connection; begin and commit are the store's."""

    ids: Ids
    #: Whose the deliveries are that it claims.
    owner: int
    _db: sqlite3.Connection
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
