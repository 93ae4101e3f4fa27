"""What waits when the clock is set: it is moved along, so that it waits for as long as it was to wait.

The last reading of the clocks is kept in the database. Between two readings of one boot the steady clock tells how much
time passed, so any difference was set. Across a boot only the wall clock tells: where it is behind the last reading it
was set back, and where it is ahead nobody knows how much of that is downtime.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows.open_jobs import check_everything_open
from receiver.flows.poll_times import deadline_of
from receiver.lib.steady_clock import ClockReading
from receiver.lib.times import stamp, unstamp
from receiver.model.jobs import LIVE, KeptJob

#: A smaller step of the clock (of one that is kept right over the network) is let pass, ms.
SMALL: Final = 1000


class ClockJump(NamedTuple):
    """How far the clock was set, as far as it is known, ms; below 0: back."""

    #: By so much it certainly was set: what waits is moved by this.
    by: int
    #: By so much it was set at most: jobs are given so much more time before they are given up.
    at_most: int
    #: Whether it is known how much time passed.
    sure: bool


def see_clock(tx: Transaction, setup: Setup, reading: ClockReading, *, first: bool) -> ClockJump | None:
    """Keeps a reading; if the clock was set since the last one, moves what waits, and has everything open looked at.

    Returns how far it was set, None if it was not. `first` in this process: only then is the last reading taken for one
    of an earlier run if it is of another boot. Several processes may call this: each jump is seen by one of them.
    """
    known = _last_reading(tx, reading)
    tx.put_clock_reading(reading)
    jump = None if known is None else jump_between(known, reading)
    if known is None or jump is None or not (jump.sure or first):
        return None
    now = reading.wall
    if jump.by:
        tx.move_waiting(jump.by)
        tx.due_if_untried(now)
    if jump.by < 0:
        tx.put_set_back_at(now)
    for kept in tx.open_jobs():
        moved = _moved(setup, kept, jump)
        if moved != kept:
            tx.put_job(moved)
    check_everything_open(tx, setup, now)
    return jump


def _last_reading(tx: Transaction, reading: ClockReading) -> ClockReading | None:
    """The last reading that was kept; of another boot only its wall clock counts, or the newest id if that is later."""
    known = tx.clock_reading()
    if known is not None and known.boot == reading.boot:
        return known
    moments = [tx.ids.reached(), known.wall if known is not None else None]
    told = [moment for moment in moments if moment is not None]
    return ClockReading(boot="", steady=0, wall=max(told)) if told else None


def jump_between(known: ClockReading, reading: ClockReading) -> ClockJump | None:
    """How far the clock was set between two readings; None if it was not, by any sign."""
    passed = reading.wall - known.wall
    if known.boot == reading.boot and reading.steady >= known.steady:
        by = passed - (reading.steady - known.steady)
        return ClockJump(by, by, sure=True) if abs(by) > SMALL else None
    return ClockJump(min(passed, 0), passed, sure=False) if passed else None


def _moved(setup: Setup, kept: KeptJob, jump: ClockJump) -> KeptJob:
    """An open job with its moments moved along. A budget's hold ends by the calendar, so it stays where it is."""
    job, check_at = kept.job, kept.check_at
    if job.status in LIVE:
        deadline = deadline_of(setup.sources.get(job.source), kept) + jump.at_most
        job = msgspec.structs.replace(job, deadline=stamp(deadline))
        check_at = None if check_at is None else check_at + jump.at_most
    elif job.hold is not None and job.hold.until is not None and job.hold.reason != "budget":
        until = stamp(unstamp(job.hold.until) + jump.by)
        job = msgspec.structs.replace(job, hold=msgspec.structs.replace(job.hold, until=until))
        check_at = None if check_at is None else check_at + jump.by
    return msgspec.structs.replace(kept, job=job, check_at=check_at, first_sent_at=_first_sent_at(kept, jump))


def _first_sent_at(kept: KeptJob, jump: ClockJump) -> int | None:
    """The moment of the first sending, Unix ms: by it an idempotency key is trusted, or not any more.

    Nobody knows how long ago that was if the clock was set back while we were down: then the key is not trusted.
    """
    if kept.first_sent_at is None or not jump.by:
        return kept.first_sent_at
    return kept.first_sent_at + jump.by if jump.sure else 0
