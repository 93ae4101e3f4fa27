"""What the tables share."""

from __future__ import annotations

import sqlite3
from typing import Any

from receiver.store.choices import Shared


class Table:
    """Reads and writes rows on an open SQLite connection; begin and commit are the store's."""

    _db: sqlite3.Connection
    _shared: Shared

    def _one(self, sql: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
        return row
