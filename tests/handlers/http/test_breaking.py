"""Every fate of a call, proved by a server that breaks off at every byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import Any, Final

import pytest
import uvloop

from handlers.http.transport import HttpTransport
from receiver.contracts import Answer, Call, CallNetwork
from receiver.errors import NoAnswer, NotSent, TransportError
from support.breaking import BreakingServer, Reply, What, breaking
from support.certificates import PrivateAuthority

#: Long enough for a loaded machine: reached only when a test fails.
AMPLE: Final = 30.0
BODY: Final = b'{"task_id":"order-1"}'
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
#: Whole answers, each of another kind.
ANSWERS: Final = {
    "length": HEAD + b"content-length: 21\r\n\r\n" + BODY,
    "chunks": HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"tas\r\n10\r\nk_id":"order-1"}\r\n0\r\nx-sum: 1\r\n\r\n',
    "informed": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + HEAD + b"content-length: 21\r\n\r\n" + BODY,
    "closing": HEAD + b"connection: close\r\ncontent-length: 21\r\n\r\n" + BODY,
    "empty": b"HTTP/1.1 204 No Content\r\n\r\n",
}

Loop = Callable[[Coroutine[Any, Any, None]], None]


def on_uvloop(does: Coroutine[Any, Any, None]) -> None:
    """Runs on the loop that the server runs on."""
    uvloop.run(does)


def on_asyncio(does: Coroutine[Any, Any, None]) -> None:
    """Runs on the loop of the standard library."""
    asyncio.run(does)


both_loops = pytest.mark.parametrize("run", [on_uvloop, on_asyncio])
plain_and_tls = pytest.mark.parametrize("scheme", ["http", "https"])


@asynccontextmanager
async def met(scheme: str, ca: PrivateAuthority) -> AsyncIterator[tuple[BreakingServer, HttpTransport]]:
    """A server, and who calls it."""
    context = ca.server if scheme == "https" else None
    async with breaking(lambda headers, body: Reply(b""), context) as server, calling(ca) as transport:
        yield server, transport


@asynccontextmanager
async def calling(ca: PrivateAuthority) -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(network=CallNetwork(ca_file=ca.ca_file))
    try:
        yield transport
    finally:
        await transport.aclose()


def post(scheme: str, port: int, body: bytes = b"{}") -> Call:
    return Call(method="POST", url=f"{scheme}://localhost:{port}/hook", body=body)


async def outcome(transport: HttpTransport, call: Call, *, paid: bool) -> Answer | TransportError:
    try:
        return await transport.send(call, AMPLE, paid=paid)
    except TransportError as wrong:
        return wrong


def say(server: BreakingServer, said: bytes, end: What = "keep", *, then: bytes | None = None) -> None:
    """Has the server say this to the next request, and something else to those after it."""
    replies = chain([Reply(said, end)], repeat(Reply(said, end) if then is None else Reply(then)))
    server.replying = lambda headers, body: next(replies)


@both_loops
@plain_and_tls
@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("paid", [True, False], ids=["paid", "free"])
def test_an_answer_that_breaks_off_at_any_byte_is_no_answer_and_is_sent_once(
    run: Loop, scheme: str, then: What, kind: str, paid: bool, authority: PrivateAuthority
) -> None:
    whole = ANSWERS[kind]

    async def walk() -> None:
        async with met(scheme, authority) as (server, transport):
            for length in range(len(whole) + 1):
                say(server, whole[:length], then)
                came = await outcome(transport, post(scheme, server.port), paid=paid)
                if length < len(whole):
                    assert type(came) is NoAnswer, (length, came)
                else:
                    assert isinstance(came, Answer), came
                    assert came.body == (b"" if kind == "empty" else BODY)
                assert server.taken == length + 1
                assert server.connections == length + 1

    run(walk())


@both_loops
@plain_and_tls
def test_a_kept_connection_that_breaks_at_any_byte_is_tried_anew_only_if_nothing_was_said(
    run: Loop, scheme: str, authority: PrivateAuthority
) -> None:
    whole = ANSWERS["length"]

    async def walk() -> None:
        async with met(scheme, authority) as (server, transport):
            for length in range(len(whole)):
                say(server, whole)
                assert isinstance(await outcome(transport, post(scheme, server.port), paid=False), Answer)
                before = server.taken
                say(server, whole[:length], "close", then=whole)
                came = await outcome(transport, post(scheme, server.port), paid=False)
                if length == 0:
                    assert isinstance(came, Answer)
                    assert server.taken == before + 2
                else:
                    assert type(came) is NoAnswer
                    assert server.taken == before + 1

    run(walk())


@asynccontextmanager
async def relayed(port: int, upto: list[int]) -> AsyncIterator[int]:
    """A relay to a port of loopback that hangs up after so many bytes of what comes back; yields its own port."""
    treated: set[asyncio.Task[None]] = set()

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        treated.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", port)

        async def forth() -> None:
            while data := await reader.read(65_536):
                back.write(data)

        going = asyncio.ensure_future(forth())
        left = upto[0]
        while left > 0 and (data := await there.read(min(left, 65_536))):
            writer.write(data)
            left -= len(data)
        writer.close()
        await asyncio.gather(going, return_exceptions=True)
        back.close()
        await asyncio.gather(writer.wait_closed(), back.wait_closed(), return_exceptions=True)

    relay = await asyncio.start_server(treat, "127.0.0.1", 0)
    try:
        yield relay.sockets[0].getsockname()[1]
    finally:
        relay.close()
        await asyncio.gather(*treated, return_exceptions=True)
        await relay.wait_closed()


@both_loops
def test_tls_that_breaks_off_at_any_byte_was_sent_only_if_it_was_finished(
    run: Loop, authority: PrivateAuthority
) -> None:
    async def walk() -> None:
        answer = ANSWERS["length"]
        async with (
            breaking(lambda headers, body: Reply(answer), authority.server) as server,
            calling(authority) as ours,
        ):
            fates: list[Answer | TransportError] = []
            upto = [0]
            async with relayed(server.port, upto) as port:
                while not fates or not isinstance(fates[-1], Answer):
                    before = server.taken
                    fates.append(await outcome(ours, post("https", port), paid=True))
                    if isinstance(fates[-1], NotSent):
                        assert server.taken == before
                    upto[0] += 1
        kinds = [type(fate) for fate in fates]
        handshake = kinds.index(NoAnswer)
        assert handshake > 500  # the server's certificate is in it
        assert set(kinds[:handshake]) == {NotSent}
        assert set(kinds[handshake:-1]) == {NoAnswer}

    run(walk())
