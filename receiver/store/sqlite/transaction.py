"""What a flow reads and writes within one SQLite transaction."""

from __future__ import annotations

import sqlite3
from typing import Final

from receiver.contracts.upkeep.pruning import FilePages
from receiver.store.sqlite.wal_watch import wal_bytes
from receiver.store.tables.transaction import SqlTransaction

#: `PRAGMA auto_vacuum` of a file whose free pages can be given back.
INCREMENTAL: Final = 2


class SqliteTransaction(SqlTransaction):
    """`receiver.contracts.Transaction` on an open SQLite connection; begin and commit are the store's."""

    _db: sqlite3.Connection

    def probe(self, size: int) -> None:
        """Writes so many bytes and takes them away again: fails where a request of that size could not be kept."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('probe', zeroblob(?))", (size,))
        self._db.execute("UPDATE meta SET value = x'00' WHERE name = 'probe'")

    def pages(self) -> FilePages:
        """What the file is made of."""
        count, free, size, mode = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size", "auto_vacuum")
        )
        return FilePages(count=count, free=free, size=size, shrinks=mode == INCREMENTAL)

    def give_back(self, pages: int) -> None:
        """Gives so many free pages back to the file system, if the file can."""
        for _ in range(pages):
            # Python's driver runs it for one page only, whatever number it is given.
            self._db.execute("PRAGMA incremental_vacuum(1)")

    def _wal_bytes(self) -> int:
        return wal_bytes(self._db.execute("PRAGMA database_list").fetchone()[2])
