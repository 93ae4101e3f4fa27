"""Events."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from receiver.contracts import Filters, Page
from receiver.events import Event
from receiver.store.conditions import EVENTS
from receiver.store.lists import page
from receiver.store.tables.table import Table

_ENCODER: Final = msgspec.json.Encoder()

ADD: Final = """
    INSERT INTO events (number, job, key, type, source, request, choices, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (job, key) DO NOTHING
"""
AFTER: Final = "SELECT body, choices FROM events WHERE number > ? ORDER BY number LIMIT ?"


class Events(Table):
    """Events, kept as the JSON that goes out."""

    def add_event(self, number: int, key: int, job: int, event: Event, request: int | None) -> bool:
        """Keeps an event; False if the job has one with this key already."""
        choices = self._shared.keep(self._db, event.data.next_actions) if event.data.next_actions else None
        if choices is not None:
            event = replace(event, data=replace(event.data, next_actions=()))
        body = _ENCODER.encode(event)
        values = (number, job, key, event.type, event.source_name, request, choices, body)
        return self._db.execute(ADD, values).rowcount == 1

    def event(self, number: int) -> bytes | None:
        """An event's JSON by its number."""
        row = self._one("SELECT body, choices FROM events WHERE number = ?", (number,))
        return self._shared.whole(self._db, *row) if row else None

    def events(self, filters: Filters) -> Page[bytes]:
        """Events' JSON, newest first."""
        return page(self._db, EVENTS, filters, self.event)

    def events_after(self, number: int, limit: int) -> list[bytes]:
        """Events' JSON after this one, oldest first."""
        rows = self._db.execute(AFTER, (number, limit)).fetchall()
        return [self._shared.whole(self._db, *row) for row in rows]
