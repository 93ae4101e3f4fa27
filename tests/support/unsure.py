"""An order whose fate is not known, made as it comes about: sent, and no answer understood."""

from __future__ import annotations

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.model.deliveries import Unclear, order_lane
from receiver.model.jobs import Job
from receiver.workers.order_outcomes import begin_order, settle_order
from support.claiming import claim


def lose_the_answer(tx: Transaction, setup: Setup, source: str, now: int) -> Job:
    """Sends the source's oldest order, and loses the answer; gives the job, which is unsure now."""
    (delivery,) = claim(tx, order_lane(source), 1, now, now + 60_000)
    assert begin_order(tx, setup.sources[source], delivery, now)
    _, _, kept = settle_order(tx, setup, delivery, Unclear(note="the answer was lost"), now, now, 0.5)
    assert kept is not None
    assert kept.job.status == "unsure"
    return kept.job
