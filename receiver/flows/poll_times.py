"""When to look at a job again: to ask its vendor, or to see whether its hold is over. Pure."""

from __future__ import annotations

from typing import Final

from receiver.contracts import SILENCE, Source
from receiver.lib.ids import made_at
from receiver.lib.times import unstamp
from receiver.model.jobs import KeptJob

#: The longest wait between looks that fail, ms.
LONGEST_MS: Final = 600_000


def next_check(source: Source | None, kept: KeptJob, now: int, *, looked: bool = False) -> int | None:
    """When the next look at a job is due, Unix ms; None = none is needed.

    A report pushes it out by the source's `poll.after`; a look (`looked`) by `poll.every`. A source that is not told by
    webhooks is looked at every `poll.every` from the start. Never later than the job's deadline, while that lies ahead.
    """
    if kept.job.status == "held":
        return unstamp(kept.job.hold.until) if kept.job.hold is not None and kept.job.hold.until else None
    if source is None or kept.job.status not in ("queued", "running", "unsure"):
        return None
    deadline = deadline_of(source, kept)
    if not askable(source, kept):
        return deadline if kept.job.status != "unsure" and kept.ordered_by_us else None
    told = source.webhooks and source.provider.webhooks
    wait = source.poll_every if looked or not told else first_wait(source, kept)
    at = now + int(wait * 1000)
    return min(at, deadline) if now < deadline else at


def first_wait(source: Source, kept: KeptJob) -> float:
    """How long a job may be silent before its vendor is asked, seconds: the operator's word, else the vendor's pace."""
    if source.poll_after is not None:
        return source.poll_after
    return source.provider.paces.get(kept.job.action or "", SILENCE)


def check_after_miss(source: Source, kept: KeptJob, now: int) -> int:
    """When to ask again after a look that brought nothing: each time twice as late, ten minutes at most."""
    return now + min(LONGEST_MS, int(source.poll_every * 1000) << min(kept.missed_checks, 10))


def askable(source: Source, kept: KeptJob) -> bool:
    """Whether the vendor can be asked about this job."""
    return bool(kept.job.provider_job_id and source.api_key and source.provider.query_batch)


def deadline_of(source: Source, kept: KeptJob) -> int:
    """When we stop waiting for a job, Unix ms; another tool's job is only watched for as long."""
    if kept.job.deadline is not None:
        return unstamp(kept.job.deadline)
    return made_at(kept.number) + int(source.deadline * 1000)
