"""Where a dry run happens: an empty database, and what it takes over from the real one."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.contracts import Filters, Transaction
from receiver.contracts.setup import Setup
from receiver.flows.budgets import period_start
from receiver.lib import ids
from receiver.model.jobs import KeptJob

#: The most jobs and events of one dry run that are looked at.
MOST: Final = 10_000


class DryRunWorld(msgspec.Struct, frozen=True, kw_only=True):
    """Where a dry run happens."""

    tx: Transaction
    setup: Setup
    #: What is kept in earnest; it is only read. None = nothing is.
    real: Transaction | None
    now: int
    #: Numbers of jobs that were there before the event.
    seeded: set[int] = msgspec.field(default_factory=set)
    #: Numbers of the jobs that the event is about.
    about: set[int] = msgspec.field(default_factory=set)


def copy_money(stage: DryRunWorld) -> None:
    """What is spent and reserved in the periods of the budgets, and the open breakers."""
    limits = stage.setup.limits
    if stage.real is None:
        return
    for breaker in stage.real.breakers():
        stage.tx.put_breaker(breaker)
    set_back_at = stage.real.set_back_at()
    if set_back_at is not None:
        stage.tx.put_set_back_at(set_back_at)
    budgets = [*limits.budgets.values(), *limits.rule_budgets.values()]
    if budgets:
        for row in stage.real.costs(min(period_start(one, stage.now, limits.time_zone) for one in budgets)):
            stage.tx.put_cost(row)


def copy_family(stage: DryRunWorld, kept: KeptJob) -> None:
    """The other jobs of its tree, but for what followed from it: that is what is to be found out."""
    root = ids.read("job", kept.job.root_id)
    if stage.real is None or root is None:
        return
    following = {kept.job.id}
    for one in reversed(stage.real.jobs(Filters(root=root, limit=MOST))):
        if one.job.parent_id in following:
            following.add(one.job.id)
        elif one.number not in {kept.number, *stage.about}:
            copy_job(stage, one)
            stage.seeded.add(one.number)


def copy_job(stage: DryRunWorld, kept: KeptJob) -> None:
    """A job as it is given, whether it was taken over already or not."""
    (stage.tx.put_job if stage.tx.job(kept.number) else stage.tx.add_job)(kept)
