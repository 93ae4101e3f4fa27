"""Traces of the newest rows: a bounded look, however many rows there are."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.contracts.traces import DeliveryTrace, EventTrace, JobTrace, RequestTrace, TraceOrigin
from receiver.lib.ids import made_at
from receiver.lib.times import unstamp
from receiver.store.sql.conditions import PROMPT
from receiver.store.tables.table import Table

JOBS: Final = """
    SELECT jobs.number, jobs.source, jobs.status,
        CASE WHEN events.data IS NOT NULL
            THEN json_extract(CAST(events.data AS TEXT), '$.submitted_at', '$.finished_at')
            ELSE json_extract(CAST(jobs.data AS TEXT), '$.job.submitted_at', '$.job.finished_at') END,
        (SELECT told.request IS NOT NULL FROM events AS told
            WHERE told.job = jobs.number AND told.type = 'job.completed' LIMIT 1)
    FROM jobs LEFT JOIN events ON events.number = jobs.event ORDER BY jobs.number DESC LIMIT ?
"""
DELIVERIES: Final = """
    SELECT number, lane, state, attempt,
        (SELECT took_ms FROM attempts WHERE delivery = deliveries.number ORDER BY attempts.number DESC LIMIT 1)
    FROM deliveries ORDER BY number DESC LIMIT ?
"""
REQUESTS: Final = "SELECT number, source FROM requests ORDER BY number DESC LIMIT ?"
#: Nothing is counted any further.
MOST_PENDING: Final = 10_000
PENDING: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_due "
    f"WHERE lane = ? AND state = 'pending' LIMIT {MOST_PENDING}) AS few"
)
OVERDUE: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_due "
    f"WHERE lane = ? AND state = 'pending' AND due_at <= ? LIMIT {MOST_PENDING}) AS few"
)
OLDEST_PENDING: Final = (
    "SELECT min(number) FROM (SELECT number FROM deliveries INDEXED BY deliveries_due "
    f"WHERE lane = ? AND state = 'pending' ORDER BY due_at LIMIT {MOST_PENDING}) AS few"
)

#: `+` keeps it to the job's own events, which are few.
TOLD_LAST: Final = (
    f"SELECT request, CASE WHEN number <= request + {PROMPT} THEN number END FROM events "
    "WHERE job = ? AND +number <= ? AND request IS NOT NULL ORDER BY number DESC LIMIT 1"
)
MADE_WITH: Final = (
    "SELECT number, job, type FROM events "
    f"WHERE number > ?1 AND number <= ?1 + {PROMPT} AND request = ?1 ORDER BY number"
)


class TracesTable(Table):
    """Looks at the newest jobs, deliveries and requests."""

    #: How the newest jobs are asked for: the text of JSON is an engine's own business.
    newest_jobs = JOBS

    def job_traces(self, limit: int) -> list[JobTrace]:
        """Of the newest jobs, the latest first."""
        leads = self._leads()
        found = []
        for number, source, status, moments, by_webhook in self._db.execute(self.newest_jobs, (limit,)):
            submitted_at, finished_at = msgspec.json.decode(moments, type=tuple[str | None, str | None])
            found.append(
                JobTrace(
                    source=source,
                    status=status,
                    made_at=made_at(number, leads),
                    submitted_at=None if submitted_at is None else unstamp(submitted_at),
                    finished_at=None if finished_at is None else unstamp(finished_at),
                    by_webhook=None if by_webhook is None else bool(by_webhook),
                )
            )
        return found

    def delivery_traces(self, limit: int) -> list[DeliveryTrace]:
        """Of the newest deliveries, the latest first."""
        leads = self._leads()
        rows = self._db.execute(DELIVERIES, (limit,))
        return [
            DeliveryTrace(lane=lane, state=state, made_at=made_at(number, leads), attempt=attempt, took_ms=took_ms)
            for number, lane, state, attempt, took_ms in rows
        ]

    def request_traces(self, limit: int) -> list[RequestTrace]:
        """Of the newest requests, the latest first."""
        leads = self._leads()
        rows = self._db.execute(REQUESTS, (limit,))
        return [RequestTrace(source=source, at=made_at(number, leads)) for number, source in rows]

    def oldest_pending(self, lane: str) -> int | None:
        """When the oldest delivery of a lane that waits was made, Unix ms; looked for among the 10,000 due first."""
        row = self._one(OLDEST_PENDING, (lane,))
        return None if row is None or row[0] is None else made_at(row[0], self._leads())

    def origin(self, job: int, before: int) -> TraceOrigin | None:
        """The latest request up to this id that told of a job, else of the one that it follows from; None = none."""
        while job:
            row = self._one(TOLD_LAST, (job, before))
            if row is not None:
                return TraceOrigin(request=row[0], event=row[1])
            parent = self._one("SELECT parent FROM jobs WHERE number = ?", (job,))
            job, before = (parent[0] or 0 if parent is not None else 0), job
        return None

    def events_made_with(self, request: int) -> list[EventTrace]:
        """The events that were made as this request was kept, oldest first."""
        rows = self._db.execute(MADE_WITH, (request,))
        return [EventTrace(number=number, job=job, type=kind) for number, job, kind in rows]

    def pending(self, lane: str) -> int:
        """How many deliveries of a lane wait; 10,000 at most."""
        row = self._one(PENDING, (lane,))
        return int(row[0]) if row else 0

    def overdue(self, lane: str, now: int) -> int:
        """How many of them are due at `now` (Unix ms); 10,000 at most."""
        row = self._one(OVERDUE, (lane, now))
        return int(row[0]) if row else 0
