"""What a try means for all that goes to the same place: waits that it asked for, and pauses after failures in a row."""

from __future__ import annotations

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows.operator.operator_events import tell_operator
from receiver.lib.backoff import LONGEST_S
from receiver.lib.times import stamp
from receiver.model.deliveries import Again, Delivered, Delivery, Outcome
from receiver.model.destinations import Destination, delayed, failed, probe_failed
from receiver.model.events import OperatorData


def closed_until(tx: Transaction, lane: str, now: int) -> int | None:
    """When deliveries of a lane may be claimed again, Unix ms; None = now."""
    found = tx.destination(lane)
    return found.wait_until if found is not None and found.wait_until > now else None


def end_probe(tx: Transaction, lane: str, now: int) -> None:
    """A probe was given back without a result: the next one may begin at once."""
    found = tx.destination(lane)
    if found is not None and found.paused:
        tx.put_destination(msgspec.structs.replace(found, wait_until=now))


def hold_back(tx: Transaction, lane: str, asked: float | None, now: int) -> None:
    """Nothing goes to a lane for as long as it asked, seconds (a day at most); None = it did not ask."""
    if asked is not None and asked > 0:
        found = tx.destination(lane) or Destination(lane=lane)
        tx.put_destination(delayed(found, now + int(min(asked, LONGEST_S) * 1000)))


def judge_sink(
    tx: Transaction, setup: Setup, sink: str, delivery: Delivery, outcome: Outcome, pause_after: int, now: int
) -> bool:
    """Remembers what a try says of its sink; returns whether the try costs the delivery nothing, as the sink is paused.

    The operator is told when a sink is paused, and when it takes events again.
    """
    found = tx.destination(delivery.lane)
    if isinstance(outcome, Delivered):
        if found is not None:
            _reopen(tx, setup, sink, found, now)
        return False
    limited = isinstance(outcome, Again) and outcome.status == 429
    if isinstance(outcome, Again):
        hold_back(tx, delivery.lane, outcome.after, now)
        found = tx.destination(delivery.lane) or found
    if limited:
        return False
    before = found or Destination(lane=delivery.lane)
    after = failed(before, pause_after, now)
    if before.paused:
        after = probe_failed(after, now)
    elif after.paused:
        _tell_failing(tx, setup, sink, after, outcome.note, now)
    tx.put_destination(after)
    return after.paused


def _reopen(tx: Transaction, setup: Setup, sink: str, found: Destination, now: int) -> None:
    """It took something: the failures are over; a wait that it asked for is not."""
    if found.paused or found.wait_until <= now:
        tx.clear_destination(found.lane)
    else:
        tx.put_destination(Destination(lane=found.lane, wait_until=found.wait_until))
    if found.paused:
        _tell_recovered(tx, setup, sink, found, now)


def _tell_failing(tx: Transaction, setup: Setup, sink: str, paused: Destination, note: str | None, now: int) -> None:
    data = OperatorData(sink=sink, reason=note or "it fails", failures=paused.failures, since=stamp(now))
    tell_operator(tx, setup, "sink.failing", data, now)


def _tell_recovered(tx: Transaction, setup: Setup, sink: str, paused: Destination, now: int) -> None:
    since = stamp(paused.paused_at or now)
    data = OperatorData(sink=sink, reason="it takes events again", failures=paused.failures, since=since)
    tell_operator(tx, setup, "sink.recovered", data, now)
