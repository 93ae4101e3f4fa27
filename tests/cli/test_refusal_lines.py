"""Refused requests in `tail`."""

from __future__ import annotations

from receiver.cli.refusal_lines import FEW, RefusalLine, refusal_lines
from receiver.lib.times import stamp
from receiver.model.requests import RefusedRequest
from support.records import NOW


def news(*reasons: str, first: int = 1, source: str | None = "journey") -> list[tuple[int, RefusedRequest]]:
    """Refused requests with these reasons, numbered from `first`, newest first."""
    made = [
        (number, RefusedRequest(at=NOW + number, source=source, reason=reason, sender=f"192.0.2.{number % 9}"))
        for number, reason in enumerate(reasons, first)
    ]
    return made[::-1]


def test_a_few_are_shown_one_by_one_in_their_order() -> None:
    lines = refusal_lines(news("no_header", "header_differs"), 0, None)
    assert [(line.reason, line.number, line.senders) for line in lines] == [
        ("no_header", 1, ("192.0.2.1",)),
        ("header_differs", 1, ("192.0.2.2",)),
    ]
    assert lines[0].time == stamp(NOW + 1)
    assert lines[0].text().endswith("request.refused  journey  no_header  from 192.0.2.1")


def test_many_are_summed_up_and_what_was_only_counted_is_told() -> None:
    lines = refusal_lines(news(*["no_header"] * 199, "unknown_ref", first=4801), 0, None)
    assert [(line.reason, line.number, len(line.senders)) for line in lines] == [
        ("no_header", 199, 5),
        ("unknown_ref", 1, 1),
        (None, 4800, 0),
    ]
    assert "no_header  199 from 192.0.2." in lines[0].text()
    assert lines[2].text().endswith("and more  4,800")


def test_one_more_than_a_few_is_summed_up() -> None:
    assert len(refusal_lines(news(*["no_header"] * FEW), 0, None)) == FEW
    assert len(refusal_lines(news(*["no_header"] * (FEW + 1)), 0, None)) == 1


def test_another_source_is_left_out() -> None:
    assert refusal_lines(news("no_header"), 0, "other") == []
    assert refusal_lines([], 0, None) == []


def test_what_names_no_source_is_shown_without_one() -> None:
    (line,) = refusal_lines(news("no_such_source", source=None), 0, None)
    assert line == RefusalLine(time=stamp(NOW + 1), source=None, reason="no_such_source", senders=("192.0.2.1",))
    assert "request.refused  -  no_such_source" in line.text()
