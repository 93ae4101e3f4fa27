"""The table of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from receiver.contracts import Filters, Page
from receiver.lib import ids as id_text
from receiver.model.actions import Params
from receiver.model.jobs import (
    Job,
    JobWarning,
    KeptJob,
    PictureCopy,
    Then,
)
from receiver.model.questions import Question
from receiver.store.sql.conditions import JOBS
from receiver.store.sql.keys import id_key
from receiver.store.sql.lists import page
from receiver.store.tables.table import Table

_ENCODER: Final = msgspec.json.Encoder()

#: So many held jobs are looked at when money becomes free.
WOKEN: Final = 100
#: More than there can be.
EVERY: Final = 1 << 62
#: What the index `jobs_open` holds.
IS_OPEN: Final = "status <> 'completed' AND status <> 'failed' AND status <> 'canceled'"
#: What the index `jobs_live` holds, beside `intent IS NOT NULL`.
IS_LIVE: Final = "(status = 'submitting' OR status = 'queued' OR status = 'running')"
#: A job's row, with the event that the job stands in, if it does not stand in the row.
JOB_COLUMNS: Final = """
    number, intent, question, check_at, data,
    (SELECT data FROM events WHERE events.number = jobs.event),
    (SELECT choices FROM events WHERE events.number = jobs.event)
"""
AT: Final = f"SELECT {JOB_COLUMNS} FROM jobs WHERE key = ? AND source = ? AND provider_job_id = ?"
ADD: Final = """
    INSERT INTO jobs
        (provider_job_id, key, status, action, check_at, tags, event, data,
        source, parent, root, intent, question, number)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
PUT: Final = """
    UPDATE jobs SET provider_job_id = ?, key = ?, status = ?, action = ?, check_at = ?, tags = ?, event = ?, data = ?
    WHERE number = ?
"""
ADD_TAG: Final = "INSERT OR IGNORE INTO tags VALUES (?, ?, ?)"
CHECK_AT: Final = "UPDATE jobs SET check_at = ? WHERE number = ?"
#: Apart from `PUT`, since an index whose columns are written is written too.
ANSWER: Final = "UPDATE jobs SET intent = ? WHERE number = ?"


class JobData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a job no column holds, as `jobs.data`: fields of `KeptJob`, under the same names."""

    #: None = it stands in the row's event.
    job: Job | None = None
    then: tuple[Then, ...] = ()
    extra: Params = {}
    facts: dict[str, Any] = {}
    submission_digest: str | None = None
    first_sent_at: int | None = None
    was_unsure: bool = False
    sent_twice: bool = False
    is_probe: bool = False
    is_unproven: bool = False
    missed_checks: int = 0
    cancel_wanted: bool = False
    replaced_by: str | None = None
    awaits_step: bool = False
    sibling_ids: tuple[str, ...] = ()
    items: dict[str, int] = {}
    piece_costs: dict[str, Decimal] = {}
    updates: int = 0
    awaits_picture: bool = False
    copies: tuple[PictureCopy, ...] = ()
    gave_up: bool = False
    question: Question | None = None


_REST: Final = msgspec.json.Decoder(JobData)
_JOB: Final = msgspec.json.Decoder(Job)


class JobsTable(Table):
    """Jobs, as they are kept."""

    # `IS_OPEN` beside another condition on the status is what lets SQLite use the index of open jobs.

    def job(self, number: int) -> KeptJob | None:
        """A job by its number."""
        return self._job("number = ?", (number,))

    def job_at(self, source: str, provider_job_id: str) -> KeptJob | None:
        """The job that a source's vendor knows by this id."""
        row = self._one(AT, (id_key(provider_job_id), source, provider_job_id))
        return self.kept(row) if row else None

    def job_for(self, intent: str) -> KeptJob | None:
        """The job that was planned for this intent."""
        return self._job("intent = ?", (intent,))

    def question_for(self, intent: str) -> KeptJob | None:
        """The job that asks or asked this question, whatever became of it."""
        return self._job("question = ?", (intent,))

    def _job(self, where: str, values: tuple[object, ...]) -> KeptJob | None:
        row = self._one(f"SELECT {JOB_COLUMNS} FROM jobs WHERE {where}", values)
        return self.kept(row) if row else None

    def add_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Keeps a new job; `event` is the number of an event that is kept and whose data is this very job."""
        job = kept.job
        parent = id_text.read("job", job.parent_id) if job.parent_id else None
        root = kept.number if job.root_id == job.id else id_text.read("job", job.root_id)
        own = (job.source, parent, root, kept.intent, kept.question_intent, kept.number)
        self._db.execute(ADD, (*changing_columns(kept, event), *own))
        if job.tags:
            self._add_tags(kept)

    def put_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Writes a job that is kept anew; its number, source, root and parent never change, its intent when answered.

        `event` is the number of an event that is kept and whose data is this very job: then it is not kept twice.
        Raises LookupError if there is no such job.
        """
        if self._db.execute(PUT, (*changing_columns(kept, event), kept.number)).rowcount != 1:
            raise LookupError(f"job {kept.job.id} is not kept, so it cannot be changed")
        if kept.question_intent is not None:
            self._db.execute(ANSWER, (kept.intent, kept.number))
        if kept.job.tags:
            self._add_tags(kept)

    def _add_tags(self, kept: KeptJob) -> None:
        rows = ((name, text, kept.number) for name, text in kept.job.tags.items())
        self._db.executemany(ADD_TAG, rows)

    def jobs(self, filters: Filters) -> Page[KeptJob]:
        """Jobs, newest first."""
        return page(self._db, JOBS, filters, self.job, self._leads())

    def family_size(self, root_id: str) -> int:
        """How many jobs a root has led to, itself included."""
        root = id_text.read("job", root_id)
        return 1 + self._count("SELECT count(*) FROM jobs WHERE root = ? AND parent IS NOT NULL", (root,))

    def held(self, source: str, reason: str) -> list[KeptJob]:
        """The held jobs of a source, oldest first."""
        rows = self._db.execute(
            f"""
            SELECT {JOB_COLUMNS} FROM jobs
            WHERE source = ? AND status = 'held' AND {IS_OPEN}
            ORDER BY number
            """,
            (source,),
        )
        jobs = [self.kept(row) for row in rows]
        return [kept for kept in jobs if kept.job.hold is not None and kept.job.hold.reason == reason]

    def questions_about(self, work: str) -> list[KeptJob]:
        """Every question whose intent begins with this name of a piece of work, oldest first."""
        rows = self._db.execute(
            f"""
            SELECT {JOB_COLUMNS} FROM jobs INDEXED BY jobs_question
            WHERE question IS NOT NULL AND question >= ?1 || '|' AND question < ?1 || '}}'
            ORDER BY number
            """,
            (work,),
        )
        return [self.kept(row) for row in rows]

    def check_held_now(self, now: int, *, every: bool = False) -> None:
        """Lets the held jobs that have waited longest, or all, be looked at now; no question."""
        self._db.execute(
            """
            UPDATE jobs SET check_at = ?1 WHERE number IN (
                SELECT number FROM jobs INDEXED BY jobs_judged
                WHERE status = 'held' AND (question IS NULL OR question <> intent)
                ORDER BY number LIMIT ?2
            ) AND (check_at IS NULL OR check_at > ?1)
            """,
            (now, EVERY if every else WOKEN),
        )

    def due_checks(self, source: str, now: int, limit: int) -> list[KeptJob]:
        """Jobs whose look is due, the longest due first."""
        rows = self._db.execute(
            f"SELECT {JOB_COLUMNS} FROM jobs WHERE source = ? AND check_at <= ? ORDER BY check_at, number LIMIT ?",
            (source, now, limit),
        )
        return [self.kept(row) for row in rows]

    def checked_sources(self) -> list[str]:
        """The names of the sources that have jobs to look at."""
        following = "SELECT min(source) FROM jobs WHERE check_at IS NOT NULL"
        rows = self._db.execute(
            f"""
            WITH RECURSIVE names (name) AS (
                {following} UNION ALL SELECT ({following} AND source > name) FROM names WHERE name IS NOT NULL
            )
            SELECT name FROM names WHERE name IS NOT NULL
            """
        )
        return [name for (name,) in rows]

    def open_jobs(self) -> Iterator[KeptJob]:
        """Every job that is not over."""
        numbers = self._db.execute(f"SELECT number FROM jobs INDEXED BY jobs_open WHERE {IS_OPEN}").fetchall()
        return (kept for (number,) in numbers if (kept := self.job(number)) is not None)

    def check_job_at(self, number: int, at: int) -> None:
        """Lets a job be looked at from this moment on."""
        self._db.execute(CHECK_AT, (at, number))

    def next_check(self, sources: Sequence[str]) -> int | None:
        """When the earliest look at a job of these sources is due."""
        query = "SELECT min(check_at) FROM jobs WHERE source = ? AND check_at IS NOT NULL"
        moments = [self._db.execute(query, (source,)).fetchone()[0] for source in sources]
        return min((moment for moment in moments if moment is not None), default=None)

    def count_warning(self, source: str, warning: JobWarning) -> None:
        """Counts a job of a source that ended with a warning."""
        self._db.execute(
            "INSERT INTO job_warnings AS known VALUES (?, ?, 1) "
            "ON CONFLICT (source, warning) DO UPDATE SET jobs = known.jobs + 1",
            (source, warning),
        )

    def kept(self, row: tuple[Any, ...]) -> KeptJob:
        """The job of a row of `JOB_COLUMNS`."""
        number, intent, question, check_at, data, event, choices = row
        rest = _REST.decode(data)
        return KeptJob(
            number=number,
            job=rest.job or _JOB.decode(self._shared.whole(self._db, event, choices)),
            then=rest.then,
            extra=rest.extra,
            facts=rest.facts,
            intent=intent,
            question=rest.question,
            question_intent=question,
            submission_digest=rest.submission_digest,
            first_sent_at=rest.first_sent_at,
            was_unsure=rest.was_unsure,
            sent_twice=rest.sent_twice,
            is_probe=rest.is_probe,
            is_unproven=rest.is_unproven,
            missed_checks=rest.missed_checks,
            cancel_wanted=rest.cancel_wanted,
            replaced_by=rest.replaced_by,
            awaits_step=rest.awaits_step,
            sibling_ids=rest.sibling_ids,
            items=rest.items,
            piece_costs=rest.piece_costs,
            updates=rest.updates,
            awaits_picture=rest.awaits_picture,
            copies=rest.copies,
            gave_up=rest.gave_up,
            check_at=check_at,
        )


def changing_columns(kept: KeptJob, event: int | None) -> tuple[object, ...]:
    """The columns of a job that may change, in the order of `ADD` and `PUT`."""
    job = kept.job
    rest = JobData(
        job=None if event else job,
        then=kept.then,
        extra=kept.extra,
        facts=kept.facts,
        submission_digest=kept.submission_digest,
        first_sent_at=kept.first_sent_at,
        was_unsure=kept.was_unsure,
        sent_twice=kept.sent_twice,
        is_probe=kept.is_probe,
        is_unproven=kept.is_unproven,
        missed_checks=kept.missed_checks,
        cancel_wanted=kept.cancel_wanted,
        replaced_by=kept.replaced_by,
        awaits_step=kept.awaits_step,
        sibling_ids=kept.sibling_ids,
        items=kept.items,
        piece_costs=kept.piece_costs,
        updates=kept.updates,
        awaits_picture=kept.awaits_picture,
        copies=kept.copies,
        gave_up=kept.gave_up,
        question=kept.question,
    )
    return (
        job.provider_job_id,
        id_key(job.provider_job_id) if job.provider_job_id is not None else None,
        job.status,
        job.action,
        kept.check_at,
        _ENCODER.encode(job.tags).decode() if job.tags else None,
        event,
        _ENCODER.encode(rest),
    )
