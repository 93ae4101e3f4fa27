"""The tables of requests that were refused."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from receiver.model.requests import RefusedRequest
from receiver.store.tables.table import Table


class RefusedTable(Table):
    """The newest refused requests, and when the operator was told of bursts of them."""

    def add_refused(self, newest: Sequence[RefusedRequest], skipped: int, keep: int) -> None:
        """Keeps these, oldest first, behind `skipped` that are only counted; no more than `keep` rows remain."""
        row = self._one("SELECT coalesce(max(number), 0) FROM refused", ())
        first = (row[0] if row else 0) + skipped + 1
        rows = [
            (number, one.at, one.source, one.reason, one.sender, msgspec.json.encode(one.headers).decode())
            for number, one in enumerate(newest, first)
        ]
        self._db.executemany("INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._db.execute("DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - ?", (keep,))

    def refused(self, after: int = 0) -> list[tuple[int, RefusedRequest]]:
        """The kept ones with a number above `after`, newest first."""
        rows = self._db.execute("SELECT * FROM refused WHERE number > ? ORDER BY number DESC", (after,))
        return [
            (
                number,
                RefusedRequest(
                    at=at, source=source, reason=reason, sender=sender, headers=tuple(msgspec.json.decode(headers))
                ),
            )
            for number, at, source, reason, sender, headers in rows
        ]

    def prune_refused(self, before: int) -> None:
        """Takes away those from before this moment (Unix ms); the newest stays, since the next number follows on it."""
        self._db.execute(
            "DELETE FROM refused WHERE at < ? AND number < (SELECT max(number) FROM refused)",
            (before,),
        )

    def burst_told_at(self, source: str) -> int | None:
        """When the operator was last told of a burst of this source, Unix ms; None if never."""
        row = self._one("SELECT told_at FROM refusal_bursts WHERE source = ?", (source,))
        return int(row[0]) if row else None

    def put_burst_told_at(self, source: str, at: int) -> None:
        """Remembers when the operator was told."""
        self._db.execute("INSERT OR REPLACE INTO refusal_bursts VALUES (?, ?)", (source, at))
