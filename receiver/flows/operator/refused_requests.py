"""Keeps why requests were refused, and tells the operator of a burst that did not prove to be genuine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows.operator.operator_events import tell_operator
from receiver.lib.times import stamp
from receiver.model.events import OperatorData
from receiver.model.requests import RefusedRequest

#: How many are kept.
KEPT: Final = 200
#: A source's next event comes so long after the last one at the earliest, ms.
QUIET_MS: Final = 3_600_000
#: So many reasons and addresses are named.
NAMED: Final = 5
#: What helps, by the reason that most of a burst had.
REMEDIES: Final[Mapping[str, str]] = {
    "no_header": "have the vendor send the secret, or take `secrets` out",
    "header_differs": "compare the secret at the vendor with `secrets`",
    "signature_missing": "have the vendor sign, with one of the source's secrets",
    "signature_differs": "compare the key or secret at the vendor with the source's; does a proxy change the body?",
    "too_old": "compare the clocks, or see what holds the vendor's requests up",
    "too_new": "compare the clocks",
    "unknown_ref": "compare the URL there with the one that `gridhook check` prints; is the database another one?",
    "no_proof": "register the URL that `gridhook check` prints, or configure `secrets` or `token`",
}


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """Many requests of one source that were not verified, close together."""

    source: str
    #: When the first of them came, Unix ms.
    since: int
    #: How many, by reason.
    reasons: dict[str, int]
    #: The first addresses that they came from.
    senders: tuple[str, ...]
    #: Whether there were other addresses too.
    has_more_senders: bool = False


def keep_refused(
    tx: Transaction, setup: Setup, newest: Sequence[RefusedRequest], skipped: int, bursts: Sequence[Burst], now: int
) -> None:
    """Keeps the newest, oldest first, behind `skipped` that are only counted; tells of bursts, each source's seldom.

    `now` is Unix ms.
    """
    tx.add_refused(newest, skipped, KEPT)
    for burst in bursts:
        told_at = tx.burst_told_at(burst.source)
        if told_at is None or not 0 <= now - told_at < QUIET_MS:
            tx.put_burst_told_at(burst.source, now)
            data = OperatorData(source=burst.source, reason=burst_text(burst, now), since=stamp(burst.since))
            tell_operator(tx, setup, "source.refused_requests", data, now)


def burst_text(burst: Burst, now: int) -> str:
    """A burst in a sentence: how many, why, from where, and what helps."""
    ordered = sorted(burst.reasons.items(), key=lambda pair: -pair[1])
    counted = ", ".join(f"{reason} {number:,}" for reason, number in ordered[:NAMED])
    senders = ", ".join(burst.senders[:NAMED]) or "unknown addresses"
    others = " and others" if burst.has_more_senders or len(burst.senders) > NAMED else ""
    seconds = max(1, (now - burst.since + 999) // 1000)
    remedy = REMEDIES.get(ordered[0][0], "see the log")
    return (
        f"{sum(burst.reasons.values()):,} webhooks within {seconds:,} s were not verified ({counted}), from {senders}"
        f"{others}. If they are the vendor's: {remedy}. `gridhook requests --refused` lists them"
    )
