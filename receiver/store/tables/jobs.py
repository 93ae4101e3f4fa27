"""Jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from receiver import ids as id_text
from receiver.contracts import Filters
from receiver.deliveries import order_lane
from receiver.jobs import KeptJob
from receiver.store.lists import JOB_FILTERS, listing
from receiver.store.tables.table import Table

_ENCODER: Final = msgspec.json.Encoder()
_JOB: Final = msgspec.json.Decoder(KeptJob)


class Jobs(Table):
    """Jobs, as they are kept."""

    # `status NOT IN (...)` beside another condition on the status is what lets SQLite use the index of open jobs.

    def job(self, number: int) -> KeptJob | None:
        """A job by its number."""
        return self._job("number = ?", (number,))

    def job_at(self, source: str, provider_job_id: str) -> KeptJob | None:
        """The job that a source's vendor knows by this id."""
        return self._job("source = ? AND provider_job_id = ?", (source, provider_job_id))

    def job_for(self, intent: str) -> KeptJob | None:
        """The job that was planned for this intent."""
        return self._job("intent = ?", (intent,))

    def _job(self, where: str, values: tuple[object, ...]) -> KeptJob | None:
        row = self._one(f"SELECT data FROM jobs WHERE {where}", values)
        return _JOB.decode(row[0]) if row else None

    def put_job(self, kept: KeptJob) -> None:
        """Writes a job, new or changed. Its number, root, parent and intent never change."""
        job = kept.job
        self._db.execute(
            """
            INSERT INTO jobs (number, source, provider_job_id, status, action, parent, root, intent, look_at, data)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (number) DO UPDATE SET
                provider_job_id = excluded.provider_job_id, status = excluded.status, action = excluded.action,
                look_at = excluded.look_at, data = excluded.data
            """,
            (
                kept.number,
                job.source,
                job.provider_job_id,
                job.status,
                job.action,
                id_text.read("job", job.parent_id) if job.parent_id else None,
                kept.number if job.root_id == job.id else id_text.read("job", job.root_id),
                kept.intent,
                kept.look_at,
                _ENCODER.encode(kept),
            ),
        )

    def jobs(self, filters: Filters) -> list[KeptJob]:
        """Jobs, newest first."""
        return [_JOB.decode(row[0]) for row in listing(self._db, "data", "jobs", JOB_FILTERS, filters)]

    def family_size(self, root_id: str) -> int:
        """How many jobs a root has led to, itself included."""
        root = id_text.read("job", root_id)
        return 1 + self._count("SELECT count(*) FROM jobs WHERE root = ? AND parent IS NOT NULL", (root,))

    def live(self, source: str) -> int:
        """How many jobs of ours the vendor works on, or is being sent right now."""
        at_vendor = """
            SELECT count(*) FROM jobs
            WHERE source = ? AND status IN ('submitting', 'queued', 'running') AND intent IS NOT NULL
                AND status NOT IN ('completed', 'failed', 'canceled')
        """
        on_the_way = """
            SELECT count(*) FROM deliveries JOIN jobs ON jobs.number = deliveries.job
            WHERE lane = ? AND state = 'running' AND status IN ('planned', 'unsure')
        """
        return self._count(at_vendor, (source,)) + self._count(on_the_way, (order_lane(source),))

    def held(self, source: str, reason: str) -> list[KeptJob]:
        """The held jobs of a source, oldest first."""
        rows = self._db.execute(
            """
            SELECT data FROM jobs
            WHERE source = ? AND status = 'held' AND status NOT IN ('completed', 'failed', 'canceled')
            ORDER BY number
            """,
            (source,),
        )
        jobs = [_JOB.decode(row[0]) for row in rows]
        return [kept for kept in jobs if kept.job.hold is not None and kept.job.hold.reason == reason]

    def to_look_at(self, source: str, now: int, limit: int) -> list[KeptJob]:
        """Jobs whose look is due, oldest first."""
        rows = self._db.execute(
            "SELECT data FROM jobs WHERE source = ? AND look_at <= ? ORDER BY number LIMIT ?", (source, now, limit)
        )
        return [_JOB.decode(row[0]) for row in rows]

    def next_look(self, sources: Sequence[str]) -> int | None:
        """When the earliest look at a job of these sources is due."""
        query = "SELECT min(look_at) FROM jobs WHERE source = ? AND look_at IS NOT NULL"
        moments = [self._db.execute(query, (source,)).fetchone()[0] for source in sources]
        return min((moment for moment in moments if moment is not None), default=None)

    def _count(self, sql: str, values: tuple[object, ...]) -> int:
        row = self._one(sql, values)
        return int(row[0]) if row else 0
