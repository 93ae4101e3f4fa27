"""Rules that cannot be judged are reported."""

from __future__ import annotations

from structlog.testing import capture_logs

from receiver.contracts.setup import Setup
from receiver.flows.routing import routed
from receiver.model.events import KeptEvent
from receiver.model.rules import Rule
from support.records import a_job
from support.world import memory_transaction


def test_an_if_that_fails_is_logged_without_a_value_and_the_other_rules_go_on() -> None:
    kept = a_job(status="completed", prompt="hush")
    event = KeptEvent(number=1, job=kept.number, type="job.completed", key=1, at=0, data=kept.job)
    rules = (Rule(name="odd", condition="job.prompt + 1", to=("a",)), Rule(name="fine", to=("b",)))
    tx = memory_transaction()
    with capture_logs() as lines:
        found = routed(tx, event, Setup(sources={}, rules=rules))
        assert lines == [], "not before the event is on disk"
        for call in tx.calls:
            call()
    assert found.sinks == ("b",)
    (line,) = lines
    assert (line["event"], line["rule"], line["event_type"]) == ("rule.if_failed", "odd", "job.completed")
    assert "hush" not in str(line)
