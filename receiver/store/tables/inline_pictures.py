"""The table of pictures that vendors sent within a webhook or an answer."""

from __future__ import annotations

from typing import Final

from receiver.store.tables.table import Table

ADD: Final = "INSERT OR IGNORE INTO inline_pictures (job, sha256, body) VALUES (?, ?, ?)"


class InlinePicturesTable(Table):
    """Pictures by their hashes; each belongs to a job, and goes with it."""

    def add_inline_picture(self, job: int, sha256: bytes, body: bytes) -> None:
        """Keeps a picture of a job, once."""
        self._db.execute(ADD, (job, sha256, body))

    def inline_picture(self, sha256: bytes) -> bytes | None:
        """The picture with this hash; None if there is none (any more)."""
        row = self._one("SELECT body FROM inline_pictures WHERE sha256 = ? LIMIT 1", (sha256,))
        return bytes(row[0]) if row else None

    def drop_inline_pictures(self, job: int) -> int:
        """Takes the pictures of a job away; returns how many there were."""
        return self._db.execute("DELETE FROM inline_pictures WHERE job = ?", (job,)).rowcount

    def old_inline_pictures(self, before: int, limit: int, after: int = 0) -> list[int]:
        """At most `limit` jobs older than the id `before`, and younger than `after`, that have such pictures."""
        rows = self._db.execute(
            "SELECT DISTINCT job FROM inline_pictures WHERE job > ? AND job < ? ORDER BY job LIMIT ?",
            (after, before, limit),
        )
        return [job for (job,) in rows]
