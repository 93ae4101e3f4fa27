"""The tables of destinations that do not take everything, and of webhooks that do not come."""

from __future__ import annotations

import msgspec

from receiver.contracts import MissingWebhooks
from receiver.model.destinations import Destination
from receiver.store.tables.table import Table


class DestinationsTable(Table):
    """Lanes that wait or are paused, and sources whose webhooks are missing."""

    def destination(self, lane: str) -> Destination | None:
        """What a lane has met with lately; None if it takes everything."""
        row = self._one("SELECT * FROM destinations WHERE lane = ?", (lane,))
        return Destination(**dict(zip(Destination.__struct_fields__, row, strict=True))) if row else None

    def put_destination(self, destination: Destination) -> None:
        """Remembers what a lane met with."""
        values = msgspec.structs.astuple(destination)
        self._db.execute("INSERT OR REPLACE INTO destinations VALUES (?, ?, ?, ?, ?)", values)

    def clear_destination(self, lane: str) -> None:
        """The lane takes everything again."""
        self._db.execute("DELETE FROM destinations WHERE lane = ?", (lane,))

    def missing_webhooks(self, source: str) -> MissingWebhooks | None:
        """The jobs of a source that completed by asking while no webhook of it came; None if there are none."""
        row = self._one("SELECT * FROM missing_webhooks WHERE source = ?", (source,))
        return MissingWebhooks(**dict(zip(MissingWebhooks.__struct_fields__, row, strict=True))) if row else None

    def put_missing_webhooks(self, missing: MissingWebhooks) -> None:
        """Remembers how many they are."""
        values = msgspec.structs.astuple(missing)
        self._db.execute("INSERT OR REPLACE INTO missing_webhooks VALUES (?, ?, ?)", values)

    def clear_missing_webhooks(self, source: str) -> None:
        """The source's webhooks come."""
        self._db.execute("DELETE FROM missing_webhooks WHERE source = ?", (source,))
