"""When to look at a job again: to ask its vendor, or to see whether its hold is over. Pure."""

from __future__ import annotations

from typing import Final

from receiver.contracts import SILENCE, Source
from receiver.contracts.setup import Setup
from receiver.lib.times import unstamp
from receiver.model.jobs import TERMINAL, KeptJob

#: The longest wait between looks that fail, ms.
LONGEST_MS: Final = 600_000
#: `SILENCE` in ms.
SILENCE_MS: Final = int(SILENCE * 1000)
#: When we stop waiting for a job of a source that is not configured any more, seconds after it was made.
DEADLINE: Final = 1800.0
#: What a vendor keeps for longer is not urgent to archive, ms.
LONGEST_KEPT_MS: Final = 30 * 86_400_000


def next_check(source: Source | None, kept: KeptJob, now: int, *, looked: bool = False) -> int | None:
    """When the next look at a job is due, Unix ms; None = none is needed.

    A report pushes it out by the source's `poll.after`; a look (`looked`) by `poll.every`. A source that is not told by
    webhooks is looked at every `poll.every` from the start. Never later than the job's deadline, while that lies ahead.
    A job whose pictures are missing is looked at now.
    Another tool's job that cannot be asked for is given up once it is silent for the source's `deadline`.
    """
    if kept.job.status == "held":
        return unstamp(kept.job.hold.until) if kept.job.hold is not None and kept.job.hold.until else None
    if kept.awaits_picture and source is not None and kept.job.status not in TERMINAL and not looked:
        return now
    if source is None or kept.job.status not in ("queued", "running", "unsure"):
        return None
    deadline = deadline_of(source, kept)
    if not askable(source, kept):
        silent = deadline if kept.ordered_by_us else now + int(source.deadline * 1000)
        return silent if kept.job.status != "unsure" else None
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


def deadline_of(source: Source | None, kept: KeptJob) -> int:
    """When we stop waiting for a job, Unix ms; None as source: it is not configured any more."""
    if kept.job.deadline is not None:
        return unstamp(kept.job.deadline)
    return unstamp(kept.job.created_at) + int((source.deadline if source is not None else DEADLINE) * 1000)


def expires_at(source: Source, kept: KeptJob) -> int:
    """When the vendor drops a job's result, Unix ms: by its documented retention, else it is the job's deadline."""
    if source.provider.retention is None:
        return deadline_of(source, kept)
    return unstamp(kept.job.submitted_at or kept.job.created_at) + int(source.provider.retention * 1000)


def archive_due_at(setup: Setup, kept: KeptJob, now: int) -> int:
    """Since when a job's pictures are due to be archived, Unix ms: the earlier, the sooner its vendor drops them."""
    source = setup.sources.get(kept.job.source)
    if source is None:
        return now
    return max(0, min(now, expires_at(source, kept) - LONGEST_KEPT_MS))
