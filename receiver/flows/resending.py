"""Sends kept events to a sink, whatever the rules say: old events to a new sink."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.errors import NotFound, NotPossible
from receiver.lib import ids
from receiver.model.deliveries import Delivery, sink_lane
from receiver.model.events import decode_event


def resend(tx: Transaction, setup: Setup, event_id: str, sink: str, now: int) -> Delivery:
    """Plans a new delivery of an event, due at `now` (Unix ms), beside those that it has.

    Raises NotFound for an event that is not kept, NotPossible for a sink that is not configured.
    """
    number = ids.read("evt", event_id)
    body = tx.event(number) if number is not None else None
    if number is None or body is None:
        raise NotFound(f"there is no event {event_id[:40]!r}")
    check_sink(setup, sink)
    subject = decode_event(body).subject
    delivery = Delivery(
        number=tx.ids.next(), lane=sink_lane(sink), job=ids.read("job", subject) or 0, event=number, due_at=now
    )
    tx.add_delivery(delivery)
    return delivery


def check_sink(setup: Setup, sink: str) -> None:
    """Raises NotPossible for a sink that is not configured."""
    if sink not in setup.sinks:
        raise NotPossible("no_such_sink", f"sink {sink[:40]!r} is not configured")


def resend_all(tx: Transaction, setup: Setup, event_ids: Iterable[str], sink: str, now: int) -> list[str]:
    """Plans a new delivery of each event, in this order; returns their ids. Events that are gone are left out."""
    planned = []
    for event_id in event_ids:
        try:
            planned.append(ids.show("dlv", resend(tx, setup, event_id, sink, now).number))
        except NotFound:
            continue
    return planned


class _Id(msgspec.Struct):
    id: str


def id_of(event: bytes) -> str:
    """The id of an event in its JSON."""
    return msgspec.json.decode(event, type=_Id).id
