"""The key that signs the sessions of the pages, and those that ended before their time."""

from __future__ import annotations

import msgspec

from receiver.store.tables.clock import KEEP, KNOWN
from receiver.store.tables.table import Table


class SessionsTable(Table):
    """Keeps one key; another one ends every session."""

    def session_key(self) -> bytes | None:
        """The key of the cookies; None = none was needed yet."""
        row = self._one(KNOWN, ("session_key",))
        return bytes(row[0]) if row else None

    def put_session_key(self, key: bytes) -> None:
        """Signs with another key from here on; what ended under the old one need not be known any more."""
        self._db.execute(KEEP, ("session_key", key))
        self.put_ended_sessions(())

    def ended_sessions(self) -> tuple[str, ...]:
        """What is signed of the cookies that were signed out, oldest first."""
        row = self._one(KNOWN, ("ended_sessions",))
        return msgspec.json.decode(bytes(row[0]), type=tuple[str, ...]) if row else ()

    def put_ended_sessions(self, ended: tuple[str, ...]) -> None:
        """Keeps these in place of those before."""
        self._db.execute(KEEP, ("ended_sessions", msgspec.json.encode(ended)))
