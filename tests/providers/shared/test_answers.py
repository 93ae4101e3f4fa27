"""The meaning of an order's answer, as far as it is the same everywhere: when in doubt, it may have been taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.contracts import Answer
from receiver.model.deliveries import (
    Accepted,
    NotAccepted,
    OrderOutcome,
    Refused,
    Unclear,
)
from receiver.model.jobs import JobError, Report
from receiver.providers.shared import failures, reading
from receiver.providers.shared.answers import REFUSALS, read_order_answer

NOW = 1_795_255_200_000


def accepted(value: Any) -> Report:
    return Report(provider_job_id=reading.required_id(reading.table(value).get("id"), "id"), status="queued")


def refused(value: Any, status: int) -> JobError:
    return failures.failure(None, None, status)


def outcome(status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> OrderOutcome:
    return read_order_answer(Answer(status=status, headers=headers or {}, body=body), NOW, accepted, refused)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_2xx_with_an_id_is_accepted(status: int) -> None:
    told = outcome(status, b'{"id": "a"}')
    assert isinstance(told, Accepted)
    assert told.report.provider_job_id == "a"
    assert told.status == status


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b'{"id": ""}', b"\xff"])
def test_a_2xx_without_an_id_may_have_been_taken(body: bytes) -> None:
    assert isinstance(outcome(200, body), Unclear)


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_a_documented_refusal_is_one_whatever_its_body(status: int) -> None:
    assert isinstance(outcome(status, b"not json"), Refused)


def test_429_was_certainly_not_taken_and_its_wait_is_honoured() -> None:
    assert outcome(429, b"slow down", {"retry-after": "7"}) == NotAccepted(
        note="the provider takes no more orders now (429)", status=429, after=7.0
    )


@pytest.mark.parametrize("status", [100, 204, 301, 302, 307, 408, 413, 500, 502, 503, 504, 599])
def test_everything_else_may_have_been_taken(status: int) -> None:
    assert isinstance(outcome(status), Unclear)


@given(st.integers(100, 599), st.binary(max_size=40), st.dictionaries(st.just("retry-after"), st.text()))
def test_no_answer_makes_it_raise(status: int, body: bytes, headers: dict[str, str]) -> None:
    told = outcome(status, body, headers)
    assert told.status == status
    assert isinstance(told, Accepted) <= (200 <= status < 300)


def test_a_not_now_in_the_body_is_no_refusal() -> None:
    told = read_order_answer(
        Answer(status=400, body=b'{"code": 23}'), NOW, accepted, refused, lambda value: "queue full" if value else None
    )
    assert told == NotAccepted(note="queue full", status=400)
