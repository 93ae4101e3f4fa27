"""Kept events go to any sink there is, beside the deliveries that they had."""

from __future__ import annotations

import pytest

from receiver.contracts import Filters, Transaction
from receiver.contracts.setup import Setup
from receiver.errors import NotFound, NotPossible
from receiver.flows.operator.operator_events import tell_operator
from receiver.flows.resending import id_of, resend, resend_all
from receiver.lib.ids import Ids
from receiver.model.events import KeptEvent, OperatorData
from receiver.store.sqlite.memory import memory_transaction
from support.claiming import claim
from support.records import a_job

NOW = 1_800_000_000_000
SETUP = Setup(sources={}, sinks=frozenset({"team", "new"}))


def kept(tx: Transaction) -> str:
    """An event of a job is kept; its id."""
    job = a_job(7, status="completed")
    tx.add_job(job)
    tx.add_event(KeptEvent(number=tx.ids.next(), job=7, type="job.completed", key=1000, at=NOW, data=job.job))
    return id_of(tx.events(Filters(limit=1))[0])


def test_an_event_gets_a_delivery_of_its_own_each_time() -> None:
    with memory_transaction(Ids(lambda: NOW)) as tx:
        event_id = kept(tx)
        first, second = (resend(tx, SETUP, event_id, "new", NOW) for _ in range(2))
        assert first.number != second.number
        assert (first.lane, first.job, first.state, first.due_at, first.attempt) == ("sink:new", 7, "pending", NOW, 0)
        assert [one.number for one in claim(tx, "sink:new", 9, NOW, NOW + 1)] == [first.number, second.number]


def test_an_operator_event_is_about_no_job() -> None:
    with memory_transaction(Ids(lambda: NOW)) as tx:
        tell_operator(tx, SETUP, "sink.failing", OperatorData(sink="team", reason="down"), NOW)
        assert resend(tx, SETUP, id_of(tx.events(Filters(limit=1))[0]), "new", NOW).job == 0


def test_what_is_not_there_is_told() -> None:
    with memory_transaction(Ids(lambda: NOW)) as tx:
        event_id = kept(tx)
        for wrong in ("evt_0000000000001", "job_0000000000007", "x" * 99):
            with pytest.raises(NotFound):
                resend(tx, SETUP, wrong, "new", NOW)
        with pytest.raises(NotPossible, match="not configured"):
            resend(tx, SETUP, event_id, "gone", NOW)


def test_of_many_those_that_are_gone_are_left_out() -> None:
    with memory_transaction(Ids(lambda: NOW)) as tx:
        event_id = kept(tx)
        assert len(resend_all(tx, SETUP, [event_id, "evt_0000000000001", event_id], "new", NOW)) == 2
