"""The inbox: each kind is found behind any number of another one."""

from __future__ import annotations

from decimal import Decimal

from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.jobs import Cost, Hold, NextAction
from receiver.views.inbox import MOST_SHOWN, inbox
from support.records import NOW, a_job
from support.world import memory_transaction


def test_a_question_is_found_behind_many_held_by_a_budget_and_says_what_a_pick_costs() -> None:
    tx = memory_transaction()
    price = Cost(amount=Decimal(2), unit="credits", source="table")
    pick = NextAction(action="pick", params={"index": 1}, cost=price)
    tx.add_job(a_job(1, status="completed", provider_job_id="grid", intent=None, next_actions=(pick,)))
    asked = Hold(reason="pick", since=stamp(NOW))
    tx.add_job(a_job(2, status="held", action="pick", hold=asked, parent_id=ids.show("job", 1), provider_job_id=None))
    for number in range(3, 3 + 2 * MOST_SHOWN):
        held = Hold(reason="budget", since=stamp(NOW))
        tx.add_job(a_job(number, status="held", hold=held, provider_job_id=None, intent=f"intent-{number}"))
    (question,) = inbox(tx, "pick").items
    assert question.job is not None
    assert question.job.id == ids.show("job", 2)
    assert question.pick_cost == price
    assert not inbox(tx, "pick").is_cut
    held_ones = inbox(tx, "held")
    assert len(held_ones.items) == MOST_SHOWN
    assert held_ones.is_cut
    assert {item.kind for item in held_ones.items} == {"held"}
