"""Tells the operator what happens to sources, sinks and deliveries: events that the same rules route."""

from __future__ import annotations

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows.routing import routed
from receiver.model.deliveries import sink_lane
from receiver.model.events import KeptEvent, OperatorData, OperatorEventType


def tell_operator(tx: Transaction, setup: Setup, kind: OperatorEventType, data: OperatorData, now: int) -> None:
    """Keeps an operator event and its deliveries to the sinks that the rules name, but for the one it speaks of.

    `now` is Unix ms.
    """
    number = tx.ids.next()
    event = KeptEvent(number=number, job=0, type=kind, key=number, at=now, data=data)
    tx.add_event(event)
    sinks = routed(tx, event, setup).sinks
    tx.add_deliveries(event, [sink_lane(sink) for sink in sinks if sink != data.sink])
