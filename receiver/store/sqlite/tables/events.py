"""The table of events."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from receiver.contracts import Filters, Page
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.events import KeptEvent
from receiver.store.sqlite.conditions import EVENTS
from receiver.store.sqlite.lists import page
from receiver.store.sqlite.tables.table import Table

_ENCODER: Final = msgspec.json.Encoder()

ADD: Final = """
    INSERT INTO events (number, job, key, type, source, request, at, choices, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (job, key) DO NOTHING
"""
EVENT_COLUMNS: Final = "number, job, type, source, at, choices, data"
BY_NUMBER: Final = f"SELECT {EVENT_COLUMNS} FROM events WHERE number = ?"
AFTER: Final = f"SELECT {EVENT_COLUMNS} FROM events WHERE number > ? ORDER BY number LIMIT ?"
#: An event as it goes out: `receiver.model.events.Event` in JSON, to the byte.
CLOUD_EVENT: Final = (
    b'{"specversion":"1.0","id":"%s","source":%s,"type":"%s","subject":"%s","time":"%s",'
    b'"datacontenttype":"application/json","data":%s}'
)


class EventsTable(Table):
    """Events: the job as JSON, all else in columns."""

    def add_event(self, event: KeptEvent) -> bool:
        """Keeps an event; False if the job has one with this key already."""
        data = event.data
        choices, body = self._shared.separate(self._db, data) if data.next_actions else (None, _ENCODER.encode(data))
        values = (
            event.number,
            event.job,
            event.key,
            event.type,
            data.source,
            event.request,
            event.at,
            choices,
            body,
        )
        return self._db.execute(ADD, values).rowcount == 1

    def event(self, number: int) -> bytes | None:
        """An event's JSON by its number."""
        row = self._one(BY_NUMBER, (number,))
        return self._cloud_event(row) if row else None

    def events(self, filters: Filters) -> Page[bytes]:
        """Events' JSON, newest first."""
        return page(self._db, EVENTS, filters, self.event, self._leads())

    def events_after(self, number: int, limit: int) -> list[bytes]:
        """Events' JSON after this one, oldest first."""
        return [self._cloud_event(row) for row in self._db.execute(AFTER, (number, limit)).fetchall()]

    def _cloud_event(self, row: tuple[Any, ...]) -> bytes:
        number, job, kind, source, at, choices, data = row
        return CLOUD_EVENT % (
            ids.show("evt", number).encode(),
            _ENCODER.encode(f"gridhook/{source}"),
            kind.encode(),
            ids.show("job", job).encode(),
            stamp(at).encode(),
            self._shared.whole(self._db, data, choices),
        )
