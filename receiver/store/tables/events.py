"""The table of events."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from receiver.contracts import Filters, Page
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.events import EventType, KeptEvent, OperatorData, OperatorEventType
from receiver.model.jobs import Job
from receiver.store.sql.conditions import EVENTS
from receiver.store.sql.lists import page
from receiver.store.tables.table import Table

_ENCODER: Final = msgspec.json.Encoder()

ADD: Final = """
    INSERT INTO events (number, job, key, type, source, request, at, archive, choices, data)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (job, key) DO NOTHING
"""
EVENT_COLUMNS: Final = "number, job, type, source, at, archive, choices, data"
BY_NUMBER: Final = f"SELECT {EVENT_COLUMNS} FROM events WHERE number = ?"
AFTER: Final = f"SELECT {EVENT_COLUMNS} FROM events WHERE number > ? ORDER BY number LIMIT ?"
#: What the columns of an operator event's row are made of.
_OPERATOR_DATA: Final = msgspec.json.Decoder(OperatorData)
#: An event as it goes out: `receiver.model.events.Event` or `OperatorEvent` in JSON, to the byte.
CLOUD_EVENT: Final = (
    b'{"specversion":"1.0","id":"%s","source":%s,"type":"%s","subject":"%s","time":"%s",'
    b'"datacontenttype":"application/json",%s"data":%s}'
)


class EventsTable(Table):
    """Events: the job as JSON, all else in columns."""

    #: Source and type of each event that this transaction keeps.
    events_added: list[tuple[str, str]]

    def add_event(self, event: KeptEvent) -> bool:
        """Keeps an event; False if the job has one with this key already."""
        data = event.data
        choices, body = None, b""
        if isinstance(data, Job) and data.next_actions:
            choices, body = self._shared.separate(self._db, data)
        source = data.source or ""
        values = (
            event.number,
            event.job,
            event.key,
            event.type,
            source,
            event.request,
            event.at,
            event.archive,
            choices,
            body or _ENCODER.encode(data),
        )
        if self._db.execute(ADD, values).rowcount != 1:
            return False
        self.events_added.append((source, event.type))
        return True

    def event(self, number: int) -> bytes | None:
        """An event's JSON by its number."""
        row = self._one(BY_NUMBER, (number,))
        return self._cloud_event(row) if row else None

    def event_type(self, number: int) -> EventType | OperatorEventType | None:
        """An event's type by its number."""
        row = self._one("SELECT type FROM events WHERE number = ?", (number,))
        return cast(EventType, row[0]) if row else None

    def events(self, filters: Filters) -> Page[bytes]:
        """Events' JSON, newest first."""
        return page(self._db, EVENTS, filters, self.event, self._leads())

    def events_after(self, number: int, limit: int) -> list[bytes]:
        """Events' JSON after this one, oldest first."""
        return [self._cloud_event(row) for row in self._db.execute(AFTER, (number, limit)).fetchall()]

    def newest_event(self) -> int:
        """The number of the newest event; 0 if there is none."""
        row = self._one("SELECT max(number) FROM events", ())
        return (row[0] or 0) if row else 0

    def _cloud_event(self, row: tuple[Any, ...]) -> bytes:
        number, job, kind, source, at, archive, choices, data = row
        return CLOUD_EVENT % (
            ids.show("evt", number).encode(),
            _ENCODER.encode(f"gridhook/{source}" if source else "gridhook"),
            kind.encode(),
            ids.show("job", job).encode() if job else _text(_OPERATOR_DATA.decode(data).subject),
            stamp(at).encode(),
            b'"archive":%s,' % _ENCODER.encode(archive) if archive else b"",
            self._shared.whole(self._db, data, choices),
        )


def _text(value: str) -> bytes:
    """A text as it stands between the quotes of a JSON string."""
    return _ENCODER.encode(value)[1:-1]
