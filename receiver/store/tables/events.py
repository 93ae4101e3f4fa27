"""Events."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.contracts import Filters
from receiver.events import Event
from receiver.store.lists import EVENT_FILTERS, listing
from receiver.store.tables.table import Table

_ENCODER: Final = msgspec.json.Encoder()


class Events(Table):
    """Events, kept as the JSON that goes out."""

    def add_event(self, number: int, key: int, job: int, event: Event, request: int | None) -> bytes | None:
        """Keeps an event and gives its JSON; None if the job has one with this key already."""
        body = _ENCODER.encode(event)
        done = self._db.execute(
            """
            INSERT INTO events (number, job, key, type, source, request, body) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (job, key) DO NOTHING
            """,
            (number, job, key, event.type, event.source_name, request, body),
        )
        return body if done.rowcount else None

    def event(self, number: int) -> bytes | None:
        """An event's JSON by its number."""
        row = self._one("SELECT body FROM events WHERE number = ?", (number,))
        return bytes(row[0]) if row else None

    def events(self, filters: Filters) -> list[bytes]:
        """Events' JSON, newest first."""
        return [bytes(row[0]) for row in listing(self._db, "body", "events", EVENT_FILTERS, filters)]

    def events_after(self, number: int, limit: int) -> list[bytes]:
        """Events' JSON after this one, oldest first."""
        rows = self._db.execute("SELECT body FROM events WHERE number > ? ORDER BY number LIMIT ?", (number, limit))
        return [bytes(row[0]) for row in rows]
