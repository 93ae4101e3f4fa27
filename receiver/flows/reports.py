"""What a vendor's report does to a job that is kept."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows.advance import advance
from receiver.flows.inline_pictures import without_inline
from receiver.flows.poll_times import askable
from receiver.lib.times import stamp
from receiver.model.folding import fold, lacks_picture
from receiver.model.jobs import TERMINAL, Job, JobError, KeptJob, Report


class Effect(NamedTuple):
    """What a report did."""

    #: How many events it made.
    events: int
    #: Whether it told anything new.
    is_news: bool


def report_to(
    tx: Transaction,
    setup: Setup,
    kept: KeptJob,
    report: Report,
    now: int,
    *,
    request: int | None = None,
    proven: bool = True,
    asked: bool = False,
) -> Effect:
    """Folds a vendor's report into a job that is kept, and does what follows.

    `proven` False: it came by an unsigned way, so the result is read back before anything is paid because of it.
    `asked`: it is the answer to a question, so nobody is asked again where it tells no picture.
    """
    report = without_inline(tx, kept.number, _own_id(tx, kept, _without_secrets(report, setup)))
    after = _after(setup, kept, report, now, asked=asked)
    is_news = after is not kept
    return Effect(advance(tx, setup, kept, mark_proven(kept, after, proven), now, request=request), is_news)


def report_new(
    tx: Transaction, setup: Setup, blank: KeptJob, report: Report, now: int, *, request: int, proven: bool
) -> Effect:
    """The same of a job that another tool started: `blank` is what is known of it without the report."""
    report = without_inline(tx, blank.number, _without_secrets(report, setup))
    after = mark_proven(None, _after(setup, blank, report, now, asked=False), proven)
    return Effect(advance(tx, setup, None, after, now, request=request), is_news=True)


def _after(setup: Setup, kept: KeptJob, report: Report, now: int, *, asked: bool) -> KeptJob:
    """The job after a report; as it was, with a look that is due at once, where it lacks pictures to ask for."""
    source = setup.sources.get(kept.job.source)
    if asked or source is None or kept.job.status in TERMINAL or not lacks_picture(kept, report):
        return fold(kept, report, stamp(now))
    status = None if kept.job.provider_job_id is not None else "running"
    waiting = fold(kept, msgspec.structs.replace(report, status=status), stamp(now))
    if not askable(source, waiting):
        return fold(kept, report, stamp(now))
    return msgspec.structs.replace(waiting, awaits_picture=True)


def mark_proven(before: KeptJob | None, after: KeptJob, proven: bool) -> KeptJob:
    """Remembers whether a job's result is only known by an unsigned way."""
    if after.job.status != "completed":
        return after
    if not proven and (before is None or before.job.status != "completed"):
        return msgspec.structs.replace(after, is_unproven=True)
    if proven and after.is_unproven:
        return msgspec.structs.replace(after, is_unproven=False)
    return after


def _own_id(tx: Transaction, kept: KeptJob, report: Report) -> Report:
    """Makes sure that a vendor's id that is new to this job belongs to no other.

    A webhook without a ref can name a job before the answer to its order did: it was taken for another tool's job then.
    That job gives its id up, and ends without a word if it was not over, since it goes on under this number. Both have
    the same intents, since those hang on the vendor's id, so nothing is paid twice.
    """
    known = report.provider_job_id
    if known is None or kept.job.provider_job_id is not None:
        return report
    other = tx.job_at(kept.job.source, known)
    if other is None or other.number == kept.number:
        return report
    if other.ordered_by_us:
        return msgspec.structs.replace(report, provider_job_id=None)
    without_id = _ended_as(other, kept).with_job(provider_job_id=None)
    tx.put_job(msgspec.structs.replace(without_id, replaced_by=kept.job.id, check_at=None))
    return _told_before(other.job, report)


def _ended_as(other: KeptJob, kept: KeptJob) -> KeptJob:
    if other.job.status in TERMINAL:
        return other
    error = JobError(code="canceled", message=f"it goes on as {kept.job.id}: both are one job of the vendor's")
    return other.with_job(status="canceled", error=error)


def _told_before(earlier: Job, report: Report) -> Report:
    """A report with what was already known of the same vendor's job under another number."""
    taken_back = (earlier.status, report.status) == ("failed", "completed")
    if taken_back or earlier.status not in ("completed", "failed", "canceled"):
        return report
    return Report(
        provider_job_id=report.provider_job_id,
        status=earlier.status,
        progress=earlier.progress,
        prompt=earlier.prompt,
        grid_url=earlier.grid_url,
        images=earlier.images,
        cost=earlier.cost,
        error=earlier.error,
        facts=report.facts,
        awaits_step=report.awaits_step,
        sibling_ids=report.sibling_ids,
    )


def _without_secrets(report: Report, setup: Setup) -> Report:
    """A report whose error tells none: some vendors name the key that they refuse."""
    if report.error is None:
        return report
    told = report.error.message.encode("utf-8", "replace")
    message = setup.redaction.body(told)
    if message == told:
        return report
    error = msgspec.structs.replace(report.error, message=message.decode("utf-8", "replace"))
    return msgspec.structs.replace(report, error=error)
