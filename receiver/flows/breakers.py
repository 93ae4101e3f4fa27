"""Circuit breakers: a source whose account refuses orders is not asked for more until a probe gets through."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec
import structlog

from receiver.contracts import Breaker, Transaction
from receiver.contracts.setup import Setup
from receiver.flows.advance import release
from receiver.flows.operator.operator_events import tell_operator
from receiver.lib.times import stamp
from receiver.model.events import OperatorData
from receiver.model.jobs import JobError

log = structlog.get_logger("breaker")

#: Refusals that say something of the account, not of the order.
TROUBLE: Final = frozenset({"insufficient_credits", "auth", "account"})
#: Until the first probe, and at most between probes, ms.
FIRST_PROBE_MS: Final = 300_000
LONGEST_PROBE_MS: Final = 3_600_000


def open_by(tx: Transaction, setup: Setup, source: str, error: JobError, now: int) -> bool:
    """Opens a source's breaker, or keeps it open, if the refusal is trouble with the account; returns whether it is."""
    if error.code not in TROUBLE:
        return False
    known = tx.breaker(source)
    failures = known.failures + 1 if known else 1
    tx.put_breaker(
        Breaker(
            source=source,
            code=error.code,
            note=f"{source} refuses orders: {error.message}",
            since=known.since if known else now,
            probe_at=now + wait_after(failures),
            failures=failures,
        )
    )
    tx.afterwards(partial(log.warning, "breaker.open", source=source, code=error.code, failures=failures))
    if known is None:
        data = OperatorData(source=source, reason=f"it refuses orders: {error.message}", since=stamp(now))
        tell_operator(tx, setup, "source.stopped", data, now)
    return True


def close(tx: Transaction, setup: Setup, source: str, now: int) -> None:
    """The vendor took an order: what was held back is ordered."""
    known = tx.breaker(source)
    if known is None:
        return
    tx.close_breaker(source)
    tx.afterwards(partial(log.info, "breaker.closed", source=source))
    data = OperatorData(source=source, reason="it takes orders again", since=stamp(known.since))
    tell_operator(tx, setup, "source.recovered", data, now)
    for kept in tx.held(source, "breaker"):
        release(tx, setup, kept, now)


def judge_again(tx: Transaction, setup: Setup, now: int) -> None:
    """Has all that is held looked at anew: another configuration may have room for it, or a key that works."""
    for breaker in tx.breakers():
        if breaker.source in setup.sources and breaker.probe_at > now:
            tx.put_breaker(msgspec.structs.replace(breaker, probe_at=now))
    tx.check_held_now(now, every=True)


def wait_after(failures: int) -> int:
    """How long until the next probe after so many refusals, ms: 5 minutes, each time twice as long, an hour at most."""
    return min(LONGEST_PROBE_MS, FIRST_PROBE_MS << min(failures - 1, 6))
