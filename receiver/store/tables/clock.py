"""What the clocks showed last, and what waits for a moment."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.lib.steady_clock import ClockReading
from receiver.store.tables.table import Table

_READING: Final = msgspec.json.Decoder(ClockReading)
KNOWN: Final = "SELECT value FROM meta WHERE name = ?"
KEEP: Final = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


class ClockTable(Table):
    """The last reading of the clocks, and moving along what waits when the clock is set."""

    def clock_reading(self) -> ClockReading | None:
        """The last reading that was kept."""
        row = self._one(KNOWN, ("clock",))
        return _READING.decode(row[0]) if row else None

    def put_clock_reading(self, reading: ClockReading) -> None:
        """Keeps a reading instead of the last one."""
        self._db.execute(KEEP, ("clock", msgspec.json.encode(reading)))

    def set_back_at(self) -> int | None:
        """What the clock was set to when it was last set back; None if it never was."""
        row = self._one(f"SELECT value FROM {self.numbers_table} WHERE name = ?", ("set_back_at",))
        return int(row[0]) if row else None

    def put_set_back_at(self, at: int) -> None:
        """Remembers that the clock was set back to this moment."""
        self._db.execute(f"INSERT OR REPLACE INTO {self.numbers_table} VALUES (?, ?)", ("set_back_at", at))

    def move_waiting(self, by: int) -> None:
        """Moves the moments of waiting deliveries, leases, probes and destinations' waits by so many ms."""
        for state in ("pending", "running"):
            self._db.execute(f"UPDATE deliveries SET due_at = due_at + ? WHERE state = '{state}'", (by,))
        self._db.execute("UPDATE breakers SET probe_at = probe_at + ?", (by,))
        self._db.execute("UPDATE destinations SET wait_until = wait_until + ?", (by,))

    def due_if_untried(self, now: int) -> None:
        """What was not tried yet is due now: only a wait between tries can lie ahead."""
        self._db.execute(
            "UPDATE deliveries SET due_at = ?1 WHERE state = 'pending' AND due_at > ?1 AND attempt = base", (now,)
        )
