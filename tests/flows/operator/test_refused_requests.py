"""What is kept of refused requests, and when the operator is told of a burst."""

from __future__ import annotations

from typing import get_args

import msgspec

from receiver.contracts import Filters
from receiver.contracts.setup import Setup
from receiver.flows.operator.refused_requests import KEPT, QUIET_MS, REMEDIES, Burst, burst_text, keep_refused
from receiver.model.requests import RefusedRequest, Unproven
from receiver.store.sqlite.transaction import SqliteTransaction
from support.records import NOW, a_source
from support.world import memory_transaction

SETUP = Setup(sources={"journey": a_source()})
BURST = Burst(
    source="journey", since=NOW - 90_000, reasons={"no_header": 3, "header_differs": 4000}, senders=("a", "b")
)


def refused(at: int = NOW) -> RefusedRequest:
    return RefusedRequest(at=at, source="journey", reason="no_header", sender="192.0.2.1", headers=("host",))


def told(tx: SqliteTransaction) -> int:
    return len(tx.events(Filters(type="source.refused_requests")))


def test_the_newest_remain_and_all_are_counted() -> None:
    tx = memory_transaction()
    keep_refused(tx, SETUP, [refused(at) for at in range(3)], 0, [], NOW)
    assert [(number, one.at) for number, one in tx.refused()] == [(3, 2), (2, 1), (1, 0)]
    assert tx.refused(2) == [(3, refused(2))]
    keep_refused(tx, SETUP, [refused(at) for at in range(KEPT)], 1000, [], NOW)
    kept = tx.refused()
    assert (len(kept), kept[0][0], kept[-1][0]) == (KEPT, 1003 + KEPT, 1004)


def test_old_ones_are_pruned_and_the_numbers_go_on() -> None:
    tx = memory_transaction()
    keep_refused(tx, SETUP, [refused(at) for at in (10, 20, 30)], 0, [], NOW)
    tx.prune_refused(20)
    assert [number for number, _ in tx.refused()] == [3, 2]
    tx.prune_refused(NOW)
    keep_refused(tx, SETUP, [refused()], 0, [], NOW)
    assert [number for number, _ in tx.refused()] == [4, 3]


def test_a_source_has_one_event_an_hour_whatever_comes() -> None:
    tx = memory_transaction()
    for at in range(NOW, NOW + QUIET_MS, 60_000):
        keep_refused(tx, SETUP, [], 0, [BURST], at)
    assert told(tx) == 1
    keep_refused(tx, SETUP, [], 0, [msgspec.structs.replace(BURST, source="other")], NOW)
    assert told(tx) == 2
    keep_refused(tx, SETUP, [], 0, [BURST], NOW + QUIET_MS)
    assert told(tx) == 3


def test_a_clock_that_was_set_back_does_not_silence_it() -> None:
    tx = memory_transaction()
    keep_refused(tx, SETUP, [], 0, [BURST], NOW)
    keep_refused(tx, SETUP, [], 0, [BURST], NOW - 10 * QUIET_MS)
    assert told(tx) == 2


def test_the_words_say_how_many_why_from_where_and_what_helps() -> None:
    text = burst_text(BURST, NOW)
    assert text.startswith(
        "4,003 webhooks within 90 s were not verified (header_differs 4,000, no_header 3), from a, b."
    )
    assert REMEDIES["header_differs"] in text
    many = burst_text(msgspec.structs.replace(BURST, senders=tuple("abcdef")), NOW)
    assert "from a, b, c, d, e and others." in many


def test_there_is_a_remedy_for_every_reason() -> None:
    assert set(REMEDIES) == set(get_args(Unproven))
