"""What a flow reads and writes within one transaction of PostgreSQL, a statement at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from receiver.contracts import ClaimedDue, Counts, LaneLimits
from receiver.contracts.upkeep.pruning import FilePages
from receiver.model.deliveries import Delivery
from receiver.store.postgres import claims
from receiver.store.tables.deliveries import DELIVERY_COLUMNS, delivery_of
from receiver.store.tables.events import EVENT_COLUMNS
from receiver.store.tables.transaction import SqlTransaction

#: A process that was not seen for so many seconds is gone.
GONE_AFTER_S: Final = 10
IS_LIVING: Final = f"seen_at > clock_timestamp() - interval '{GONE_AFTER_S}s'"
#: Who has not been seen by then was not kept from it by the database alone.
IS_STEADY: Final = f"steady_since < clock_timestamp() - interval '{GONE_AFTER_S}s'"
#: The owner is an incarnation: not among the living it is gone for good. Whoever has just come back itself, after the
#: database was away, gives the others time to be seen again before it calls them gone.
LOST: Final = f"""
    SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE state = 'running'
        AND NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.owner = deliveries.owner AND {IS_LIVING})
        AND (
            NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.owner = deliveries.owner)
            OR EXISTS (SELECT 1 FROM replicas WHERE replicas.owner = ? AND {IS_STEADY})
        )
    ORDER BY number
"""
#: Followers go by the order of transactions: what may still be committed before it is not returned yet.
AFTER: Final = f"""
    SELECT {EVENT_COLUMNS} FROM events
    WHERE tx < pg_snapshot_xmin(pg_current_snapshot()) AND (tx, number) > (
        coalesce(
            (SELECT tx FROM events WHERE number = ?1),
            (SELECT tx FROM events WHERE number <= ?1 ORDER BY number DESC LIMIT 1),
            '0'::xid8
        ), ?1::bigint)
    ORDER BY tx, number LIMIT ?2
"""
NEWEST: Final = """
    SELECT number FROM events WHERE tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY tx DESC, number DESC LIMIT 1
"""
_MOMENTS: Final = "json_build_array({0} -> 'submitted_at', {0} -> 'finished_at')::text"
NEWEST_JOBS: Final = f"""
    SELECT jobs.number, jobs.source, jobs.status,
        CASE WHEN events.data IS NOT NULL
            THEN {_MOMENTS.format("kept_json(events.data)")}
            ELSE {_MOMENTS.format("(kept_json(jobs.data) -> 'job')")} END,
        (SELECT told.request IS NOT NULL FROM events AS told
            WHERE told.job = jobs.number AND told.type = 'job.completed' LIMIT 1)
    FROM jobs LEFT JOIN events ON events.number = jobs.event ORDER BY jobs.number DESC LIMIT ?
"""


class PostgresTransaction(SqlTransaction):
    """`receiver.contracts.Transaction` on PostgreSQL; begin and commit are the store's."""

    newest_jobs = NEWEST_JOBS
    numbers_table = "meta_numbers"

    def claim(self, lanes: Sequence[LaneLimits], now: int) -> ClaimedDue:
        """Takes due deliveries of all these lanes, as far as limits and destinations let them begin."""
        return claims.found(claims.ask(self._db.execute, lanes, now, self.owner)).due  # type: ignore[arg-type]

    def lost(self, _now: int) -> list[Delivery]:
        """Leased deliveries whose process has not been seen for a while."""
        return [delivery_of(row) for row in self._db.execute(LOST, (self.owner,))]

    def events_after(self, number: int, limit: int) -> list[bytes]:
        """Events' JSON after this one, in the order of their transactions, as far as it is settled."""
        return [self._cloud_event(row) for row in self._db.execute(AFTER, (number, limit)).fetchall()]

    def counts(self) -> Counts:
        """See `SqlTransaction.counts`; and how many replicas live."""
        row = self._one(f"SELECT count(*) FROM replicas WHERE {IS_LIVING}", ())
        return msgspec.structs.replace(super().counts(), replicas=int(row[0]) if row else 0)

    def newest_event(self) -> int:
        """The last event in the order of transactions, as far as it is settled; 0 if there is none."""
        row = self._one(NEWEST, ())
        return row[0] if row else 0

    def probe(self, size: int) -> None:
        """Takes part in a commit: the database sees to its room by itself, so that no bytes are written for it."""
        self._db.execute("SELECT pg_current_xact_id()")

    def pages(self) -> FilePages:
        """Nothing: the database sees to its room by itself."""
        return FilePages(count=0, free=0, size=0, shrinks=False)

    def give_back(self, pages: int) -> None:
        """Nothing: the database does so by itself."""
