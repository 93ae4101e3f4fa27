"""Everything that is open, looked at again: after a start, and whenever what was planned for it may no longer hold."""

from __future__ import annotations

from receiver.contracts import Source, Transaction
from receiver.contracts.setup import Setup
from receiver.flows.breakers import judge_again
from receiver.flows.poll_times import (
    SILENCE_MS,
    askable,
    deadline_of,
    expires_at,
)
from receiver.model.jobs import KeptJob


def check_everything_open(tx: Transaction, setup: Setup, now: int) -> None:
    """Lets every open job be looked at now (Unix ms): what its vendor drops first is asked for first.

    What is held is judged again, but for a question. A job that nobody can be asked about gets some time more to be
    heard of, since we may have been deaf until now.
    """
    judge_again(tx, setup, now)
    asked: list[tuple[int, int]] = []
    for kept in tx.open_jobs():
        source = setup.sources.get(kept.job.source)
        if kept.job.status in ("queued", "running", "unsure") and source is not None and askable(source, kept):
            asked.append((expires_at(source, kept), kept.number))
        elif kept.job.status in ("queued", "running"):
            tx.check_job_at(kept.number, max(_silent_until(source, kept), now + SILENCE_MS))
    for place, (_, number) in enumerate(sorted(asked), start=1 - len(asked)):
        tx.check_job_at(number, now + place)


def _silent_until(source: Source | None, kept: KeptJob) -> int:
    """When a silent job is given up: its deadline, or later if it was heard of since."""
    return max(deadline_of(source, kept), kept.check_at or 0)
