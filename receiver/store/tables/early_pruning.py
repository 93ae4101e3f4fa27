"""What may go before its job does: requests, and events that only told of progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from receiver.contracts.upkeep.pruning import OldRows, Pruned
from receiver.lib import ids
from receiver.model.jobs import TERMINAL
from receiver.store.tables.pruning import ONE_OF, TOLD, PruningTables, array

OVER: Final = f"status IN ({', '.join(repr(status) for status in sorted(TERMINAL))})"
#: Of these events, those of progress of jobs that are over and stand in another event, whose deliveries are over too.
#: What a handler remembers of a job stays: its first message, which threads go by, and its last, which is edited.
SPENT_PROGRESS: Final = f"""
    SELECT events.number FROM json_each(?1) AS few
    CROSS JOIN events ON events.number = few.value
    CROSS JOIN jobs ON jobs.number = events.job
    WHERE events.type = 'job.progress' AND jobs.{OVER} AND jobs.event IS DISTINCT FROM events.number AND NOT EXISTS (
        SELECT 1 FROM deliveries AS mine
        WHERE mine.job = events.job AND mine.event = events.number AND (
            NOT (+mine.state IN ('done', 'dead') AND mine.due_at < ?2)
            OR mine.receipt IS NOT NULL AND NOT (
                EXISTS (SELECT 1 FROM deliveries AS one WHERE one.job = mine.job AND +one.lane = mine.lane
                    AND one.receipt IS NOT NULL AND one.event < mine.event)
                AND EXISTS (SELECT 1 FROM deliveries AS one WHERE one.job = mine.job AND +one.lane = mine.lane
                    AND one.receipt IS NOT NULL AND one.event > mine.event)
            )
        )
    )
"""
#: Of these jobs, one that is not over.
OPEN: Final = f"SELECT 1 FROM jobs WHERE number IN {ONE_OF} AND NOT +{OVER} LIMIT 1"


class EarlyPruningTables(PruningTables):
    """Takes away requests and progress of jobs that stay; nothing that a job needs which is not over."""

    def spent_requests(self, after: int, before: int, limit: int) -> OldRows:
        """Looks at the next `limit` requests after this number: those that told of no job that is not over."""
        rows = self._db.execute(
            "SELECT number, ref_job FROM requests WHERE number > ? AND number < ? ORDER BY number LIMIT ?",
            (after, before, limit),
        ).fetchall()
        numbers = [number for number, ref_job in rows if not self._is_needed(number, ref_job)]
        return OldRows(numbers=numbers, last=rows[-1][0] if len(rows) == limit else None)

    def prune_spent_requests(self, numbers: Sequence[int]) -> Pruned:
        """Takes away these requests, but for those that told of a job that is not over (any more)."""
        refs = dict(
            self._db.execute(f"SELECT number, ref_job FROM requests WHERE number IN {ONE_OF}", (array(numbers),))
        )
        return self.prune_requests([number for number, ref_job in refs.items() if not self._is_needed(number, ref_job)])

    def _is_needed(self, number: int, ref_job: int | None) -> bool:
        jobs = [row[0] for row in self._db.execute(TOLD, (number,))]
        told = array(jobs if ref_job is None else [*jobs, ref_job])
        return self._one(OPEN, (told,)) is not None

    def spent_progress(self, after: int, before: int, limit: int) -> OldRows:
        """Looks at the next `limit` events after this number: those of progress that nothing needs any more."""
        rows = self._db.execute(
            "SELECT number, type FROM events WHERE number > ? AND number < ? ORDER BY number LIMIT ?",
            (after, before, limit),
        ).fetchall()
        numbers = self._spent([number for number, kind in rows if kind == "job.progress"], before)
        return OldRows(numbers=numbers, last=rows[-1][0] if len(rows) == limit else None)

    def prune_spent_progress(self, numbers: Sequence[int], before: int) -> Pruned:
        """Takes away these events, as far as they (still) may go, with their deliveries."""
        events = array(self._spent(numbers, before))
        of_jobs = f"job IN (SELECT job FROM events WHERE number IN {ONE_OF}) AND event IN {ONE_OF}"
        attempts = f"attempts WHERE delivery IN (SELECT number FROM deliveries WHERE {of_jobs})"
        return Pruned(
            attempts=self._delete(attempts, events, events),
            deliveries=self._delete(f"deliveries WHERE {of_jobs}", events, events),
            events=self._delete(f"events WHERE number IN {ONE_OF}", events),
        )

    def _spent(self, numbers: Sequence[int], before: int) -> list[int]:
        values = (array(numbers), ids.made_at(before))
        return [row[0] for row in self._db.execute(SPENT_PROGRESS, values)]
