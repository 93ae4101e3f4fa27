"""When requests that were not verified are a burst."""

from __future__ import annotations

from receiver.web.ingest.bursts import BURST, MOST_SENDERS, WITHIN_MS, Bursts


def test_so_many_close_together_are_a_burst_and_fewer_are_none() -> None:
    bursts = Bursts()
    for number in range(BURST - 1):
        bursts.add("journey", "no_header", "192.0.2.1", number)
    assert bursts.due() == []
    bursts.add("other", "no_header", "192.0.2.1", 0)
    assert bursts.due() == []
    bursts.add("journey", "header_differs", "192.0.2.2", 9)
    (burst,) = bursts.due()
    assert (burst.source, burst.since, burst.reasons) == ("journey", 0, {"no_header": BURST - 1, "header_differs": 1})
    assert (burst.senders, burst.has_more_senders) == (("192.0.2.1", "192.0.2.2"), False)


def test_those_that_come_slowly_are_none() -> None:
    bursts = Bursts()
    for number in range(5 * BURST):
        bursts.add("journey", "no_header", "192.0.2.1", number * WITHIN_MS // (BURST - 1))
    assert bursts.due() == []


def test_a_clock_that_is_set_back_begins_anew() -> None:
    bursts = Bursts()
    bursts.add("journey", "no_header", "192.0.2.1", 10_000)
    for _ in range(BURST):
        bursts.add("journey", "no_header", "192.0.2.1", 5)
    (burst,) = bursts.due()
    assert (burst.since, burst.reasons) == (5, {"no_header": BURST})


def test_addresses_are_remembered_in_bounds() -> None:
    bursts = Bursts()
    for number in range(1000):
        bursts.add("journey", "no_header", f"192.0.2.{number}", 0)
    (burst,) = bursts.due()
    assert (len(burst.senders), burst.has_more_senders) == (MOST_SENDERS, True)
