"""A sink that answers more than anybody needs is cut off early; what says how much it wants gets that."""

from __future__ import annotations

import httpx
import pytest

from handlers.http.transport import HttpTransport
from receiver.contracts import Call
from receiver.errors import AnswerTooLong
from receiver.workers.short_answers import MAX_SINK_ANSWER, ShortAnswers

CALL = Call(method="POST", url="http://sink.test/")


def answering(size: int) -> ShortAnswers:
    """The transport of a sink whose answers have so many bytes."""
    return ShortAnswers(HttpTransport(httpx.MockTransport(lambda _: httpx.Response(200, content=b"x" * size))))


async def test_an_answer_is_a_mebibyte_at_most() -> None:
    assert len((await answering(MAX_SINK_ANSWER).send(CALL, 5)).body) == MAX_SINK_ANSWER
    with pytest.raises(AnswerTooLong):
        await answering(MAX_SINK_ANSWER + 1).send(CALL, 5)


async def test_a_handler_may_want_less() -> None:
    with pytest.raises(AnswerTooLong):
        await answering(100).send(Call(method="POST", url="http://sink.test/", max_answer=99), 5)
