"""Where the rules send an event, and word of those that could not be judged."""

from __future__ import annotations

from functools import partial

import structlog

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.model.events import KeptEvent
from receiver.model.rules import Route, route

log = structlog.get_logger("rules")


def routed(tx: Transaction, event: KeptEvent, setup: Setup) -> Route:
    """The sinks and follow-ups of an event. A rule whose `if` fails does not match, and the log says why."""
    found = route(event, setup.rules)
    for rule, why in found.unjudged:
        tx.afterwards(partial(log.warning, "rule.if_failed", rule=rule, event_type=event.type, reason=why))
    return found
