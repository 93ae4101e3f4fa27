"""Calls that httpx carries: what its exceptions say of a call's fate, and the bounds of answers."""

from __future__ import annotations

import gzip

import httpx
import pytest

from handlers.http.transport import HttpTransport
from receiver.contracts import Call
from receiver.errors import NoAnswer, NotSent, TransportError

AMPLE = 20.0
CALL = Call(method="POST", url="http://127.0.0.1/hook", body=b"{}")


def every_exception() -> list[type[Exception]]:
    """Every exception class of the library that is public."""
    found = [getattr(httpx, name) for name in httpx.__all__]
    return [kind for kind in found if isinstance(kind, type) and issubclass(kind, Exception)]


NEVER_LEFT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL", "ProxyError"}


@pytest.mark.parametrize("kind", every_exception())
async def test_every_exception_of_the_library_becomes_one_of_ours(kind: type[Exception]) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        wrong = kind.__new__(kind)
        Exception.__init__(wrong, "no")
        raise wrong

    with pytest.raises(TransportError) as caught:
        await HttpTransport(httpx.MockTransport(fail)).send(CALL, AMPLE)
    assert type(caught.value) is (NotSent if kind.__name__ in NEVER_LEFT else NoAnswer)


async def test_what_is_not_known_of_a_stand_in_may_have_arrived() -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise OSError("anything")

    with pytest.raises(NoAnswer):
        await HttpTransport(httpx.MockTransport(fail)).send(CALL, AMPLE)


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_an_answer_that_is_too_long_is_not_read_to_its_end(encoding: str) -> None:
    body = b"x" * 5001
    said = gzip.compress(body) if encoding == "gzip" else body
    headers = {"content-encoding": encoding}

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(said))

    assert (await HttpTransport(httpx.MockTransport(answer), max_answer=5001).send(CALL, AMPLE)).body == body
    with pytest.raises(NoAnswer, match="longer than 5000 bytes"):
        await HttpTransport(httpx.MockTransport(answer), max_answer=5000).send(CALL, AMPLE)
