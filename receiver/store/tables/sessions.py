"""The key that signs the sessions of the pages."""

from __future__ import annotations

from receiver.store.tables.clock import KEEP, KNOWN
from receiver.store.tables.table import Table


class SessionsTable(Table):
    """Keeps one key; another one ends every session."""

    def session_key(self) -> bytes | None:
        """The key of the cookies; None = none was needed yet."""
        row = self._one(KNOWN, ("session_key",))
        return bytes(row[0]) if row else None

    def put_session_key(self, key: bytes) -> None:
        """Signs with another key from here on."""
        self._db.execute(KEEP, ("session_key", key))
