"""What the answer to an order means, as far as it is the same for every vendor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from receiver.contracts import Answer
from receiver.errors import Unmapped
from receiver.lib.backoff import retry_after
from receiver.model.deliveries import (
    Accepted,
    NotAccepted,
    OrderOutcome,
    Refused,
    Unclear,
)
from receiver.model.jobs import JobError, Report
from receiver.providers.shared.reading import answer_json

#: The client errors that the vendors document for orders: the order was not carried out.
REFUSALS: Final = frozenset({400, 401, 402, 403, 404, 409, 422})


def read_order_answer(
    answer: Answer,
    now: int,
    accepted: Callable[[Any], Report],
    refused: Callable[[Any, int], JobError],
    not_now: Callable[[Any], str | None] = lambda value: None,
) -> OrderOutcome:
    """The outcome of an order from the vendor's answer.

    `accepted` reads a 2xx body into a report (raises Unmapped), `refused` a documented 4xx body into an error,
    `not_now` says of a body whether it means "not accepted, try later". All else is Unclear: it may have been taken.
    """
    try:
        value = answer_json(answer)
    except Unmapped as wrong:
        value, trouble = None, str(wrong)
    else:
        trouble = ""
    if answer.status == 429:
        wait = retry_after(answer.headers.get("retry-after"), now)
        return NotAccepted(note="the provider takes no more orders now (429)", status=429, after=wait)
    later = not_now(value)
    if later is not None:
        return NotAccepted(note=later, status=answer.status)
    if answer.status in REFUSALS:
        return Refused(error=refused(value, answer.status), status=answer.status)
    if not 200 <= answer.status < 300:
        return Unclear(note=f"HTTP {answer.status} says nothing about the order", status=answer.status)
    if trouble:
        return Unclear(note=trouble, status=answer.status)
    return _accept(answer, value, accepted)


def _accept(answer: Answer, value: Any, accepted: Callable[[Any], Report]) -> OrderOutcome:
    try:
        return Accepted(report=accepted(value), status=answer.status)
    except Unmapped as wrong:
        return Unclear(note=f"the answer names no job: {wrong}", status=answer.status)
