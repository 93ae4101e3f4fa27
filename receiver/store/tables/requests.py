"""The table of inbound requests."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from receiver.contracts import (
    Filters,
    KeptRequest,
    Page,
    RequestState,
)
from receiver.lib.ids import made_at
from receiver.store.sql.conditions import REQUESTS
from receiver.store.sql.lists import page
from receiver.store.tables.table import Table

_ENCODER: Final = msgspec.json.Encoder()
_HEADERS: Final = msgspec.json.Decoder(dict[str, str])

REQUEST_COLUMNS: Final = "number, source, state, proof, ref_job, note, headers, body, sender"

ADD: Final = f"INSERT INTO requests ({REQUEST_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
MARK: Final = "UPDATE requests SET state = ?, note = ? WHERE number = ?"


class RequestsTable(Table):
    """Requests, as they are kept."""

    def add_request(self, request: KeptRequest) -> None:
        """Keeps an inbound request."""
        self._db.execute(
            ADD,
            (
                request.number,
                request.source,
                request.state,
                request.proof,
                request.ref_job,
                request.note,
                _ENCODER.encode(request.headers),
                request.body,
                request.sender or None,
            ),
        )

    def request(self, number: int) -> KeptRequest | None:
        """A request by its number."""
        row = self._one(f"SELECT {REQUEST_COLUMNS} FROM requests WHERE number = ?", (number,))
        return _request(row, made_at(row[0], self._leads())) if row else None

    def mark_request(self, number: int, state: RequestState, note: str | None) -> None:
        """Writes what became of a request."""
        self._db.execute(MARK, (state, note, number))

    def requests(self, filters: Filters) -> Page[KeptRequest]:
        """Requests, newest first."""
        return page(self._db, REQUESTS, filters, self.request, self._leads())


def _request(row: tuple[Any, ...], received_at: int) -> KeptRequest:
    values = dict(zip(REQUEST_COLUMNS.split(", "), row, strict=True))
    values |= {
        "headers": _HEADERS.decode(row[6]),
        "body": bytes(row[7]),
        "sender": row[8] or "",
        "received_at": received_at,
    }
    return KeptRequest(**values)
