"""What the operator is told of sources, sinks and deliveries."""

from __future__ import annotations

import json

import msgspec

from handlers.slack.message import message
from receiver.cli.commands.tail import event_line
from receiver.contracts import Filters
from receiver.contracts.setup import Setup
from receiver.flows.operator.operator_events import tell_operator
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.deliveries import Delivery
from receiver.model.events import OperatorData, OperatorEvent, decode_event
from receiver.model.rules import Rule
from receiver.views.records import delivery_view
from support.records import NOW, a_source
from support.world import Clock, memory_transaction

RULES = (
    Rule(name="sinks", when={"type": "sink.*"}, to=("team", "desk")),
    Rule(name="sources", when={"type": "source.*", "source": "journey"}, to=("team",)),
)
SETUP = Setup(sources={"journey": a_source()}, rules=RULES, sinks=frozenset({"team", "desk"}))
FAILING = OperatorData(sink="team", reason="HTTP 500", failures=20, since="2026-11-21T10:00:00.000Z")
STOPPED = OperatorData(source="journey", reason="it refuses orders: <no credits>", since="2026-11-21T10:00:00.000Z")


def test_they_go_out_as_cloud_events_with_data_of_their_own() -> None:
    tx = memory_transaction()
    tell_operator(tx, SETUP, "sink.failing", FAILING, NOW)
    (body,) = tx.events(Filters())
    event = decode_event(body)
    assert isinstance(event, OperatorEvent)
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": event.id,
        "source": "gridhook",
        "type": "sink.failing",
        "subject": "team",
        "time": stamp(NOW),
        "datacontenttype": "application/json",
        "data": {"sink": "team", "reason": "HTTP 500", "failures": 20, "since": "2026-11-21T10:00:00.000Z"},
    }
    assert msgspec.json.encode(event) == body


def test_a_source_is_named_where_events_name_theirs() -> None:
    tx = memory_transaction()
    tell_operator(tx, SETUP, "source.stopped", STOPPED, NOW)
    (body,) = tx.events(Filters(source="journey"))
    assert json.loads(body)["source"] == "gridhook/journey"
    assert list(json.loads(body)["data"]) == ["source", "reason", "since"]


def test_rules_route_them_but_never_to_the_sink_that_they_speak_of() -> None:
    tx = memory_transaction()
    tell_operator(tx, SETUP, "sink.failing", FAILING, NOW)
    tell_operator(tx, SETUP, "source.stopped", STOPPED, NOW)
    tell_operator(tx, SETUP, "source.stopped", msgspec.structs.replace(STOPPED, source="other"), NOW)
    assert [one.lane for one in reversed(tx.deliveries(Filters()))] == ["sink:desk", "sink:team"]


def test_a_delivery_of_one_names_no_job() -> None:
    assert (
        delivery_view(memory_transaction(), Delivery(number=1, lane="sink:team", job=0, event=2, due_at=NOW)).job_id
        is None
    )


def test_people_read_them_as_text() -> None:
    tx = memory_transaction()
    tell_operator(tx, SETUP, "source.stopped", STOPPED, NOW)
    event = decode_event(tx.events(Filters())[0])
    shown = message(event)
    assert "🛑 source journey: stopped" in shown.text
    assert "&lt;no credits&gt;" in shown.plain
    assert "journey  it refuses orders: <no credits>" in event_line(event)


def test_old_ones_are_pruned_once_nobody_waits_for_them() -> None:
    clock = Clock()
    tx = memory_transaction(clock)
    tell_operator(tx, SETUP, "sink.failing", FAILING, clock())
    tell_operator(tx, SETUP, "source.recovered", msgspec.structs.replace(STOPPED, source="other"), clock())
    clock.pass_by(3600)
    tell_operator(tx, SETUP, "source.recovered", msgspec.structs.replace(STOPPED, source="other"), clock())
    before = ids.first_at(clock())
    assert tx.prune_operator_events(before, 100).events == 1
    (delivery,) = tx.deliveries(Filters())
    tx.put_delivery(msgspec.structs.replace(delivery, state="done"))
    gone = tx.prune_operator_events(before, 100)
    assert (gone.events, gone.deliveries) == (1, 1)
    assert len(tx.events(Filters())) == 1
