"""Public keys that were fetched: they outlive a start at which their address cannot be reached."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.contracts import FetchedKeys
from receiver.store.tables.table import Table

_FETCHED: Final = msgspec.json.Decoder(FetchedKeys)


class FetchedKeysTable(Table):
    """The last keys of each address."""

    def fetched_keys(self, url: str) -> FetchedKeys | None:
        """The keys that were last fetched from an address."""
        row = self._one("SELECT value FROM meta WHERE name = ?", (f"keys {url}",))
        return _FETCHED.decode(row[0]) if row else None

    def put_fetched_keys(self, fetched: FetchedKeys) -> None:
        """Keeps them instead of the last ones of their address."""
        row = (f"keys {fetched.url}", msgspec.json.encode(fetched))
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)
