"""The transport against servers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest

from handlers.http.transport import HttpTransport
from receiver.contracts import Call, Transport
from receiver.errors import NoAnswer, NotSent, TransportError
from support.clocks import pass_by

#: Long enough for a loaded machine: reached only when a test fails.
AMPLE = 20.0
#: Short enough to wait for, where nothing has to happen before it is over.
BRIEF = 0.3

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Talk = Callable[[Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[int]:
    """A TCP server on loopback that treats every connection with `talk`; gives its port."""

    treated: set[asyncio.Task[None]] = set()

    async def treat(reader: Reader, writer: Writer) -> None:
        treated.add(cast("asyncio.Task[None]", asyncio.current_task()))
        with suppress(ConnectionError):
            await talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(treat, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*treated)


@asynccontextmanager
async def transport() -> AsyncIterator[HttpTransport]:
    carrier = HttpTransport()
    try:
        yield carrier
    finally:
        await carrier.aclose()


async def read_request(reader: Reader) -> bytes:
    """One whole request: head, and as much body as its content-length says."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


def saying(answer: bytes) -> Talk:
    """Reads one request, says `answer`, and hangs up."""

    async def talk(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    return talk


def ok(body: bytes = b"fine", *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def post(port: int, scheme: str = "http") -> Call:
    return Call(method="POST", url=f"{scheme}://127.0.0.1:{port}/hook", body=b"{}")


async def fate(call: Call, seconds: float = AMPLE) -> TransportError:
    """How a call that gets no answer ends."""
    async with transport() as carrier:
        with pytest.raises(TransportError) as caught:
            await carrier.send(call, seconds)
    return caught.value


# --- answers ---------------------------------------------------------------------------------------------------------


async def test_an_answer_has_status_lower_case_headers_and_body() -> None:
    async with serving(saying(ok(b"fine", "X-Odd-Case: Yes"))) as port, transport() as carrier:
        answer = await carrier.send(post(port), AMPLE)
    assert (answer.status, answer.headers["x-odd-case"], answer.body) == (200, "Yes", b"fine")


async def test_the_request_arrives_as_it_was_written() -> None:
    seen: list[bytes] = []

    async def talk(reader: Reader, writer: Writer) -> None:
        seen.append(await read_request(reader))
        writer.write(ok())

    async with serving(talk) as port, transport() as carrier:
        url = f"http://127.0.0.1:{port}/a%20b?c=d"
        await carrier.send(Call(method="POST", url=url, headers={"X-Key": "1"}, body=b'{"a": 1}'), AMPLE)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a%20b?c=d HTTP/1.1\r\n")
    assert b"x-key: 1" in head.lower()
    assert b"user-agent: gridhook" in head.lower()
    assert body == b'{"a": 1}'


async def test_user_and_password_of_an_address_go_into_the_authorization_header() -> None:
    seen: list[bytes] = []

    async def talk(reader: Reader, writer: Writer) -> None:
        seen.append(await read_request(reader))
        writer.write(ok())

    async with serving(talk) as port, transport() as carrier:
        await carrier.send(Call(method="GET", url=f"http://ann:pass@127.0.0.1:{port}/"), AMPLE)
    assert b"basic " + base64.b64encode(b"ann:pass").lower() in seen[0].lower()
    assert b"ann:pass" not in seen[0]


async def test_redirects_are_answers_and_not_followed() -> None:
    calls = 0

    async def talk(reader: Reader, writer: Writer) -> None:
        nonlocal calls
        calls += 1
        await read_request(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")

    async with serving(talk) as port, transport() as carrier:
        answer = await carrier.send(post(port), AMPLE)
    assert (answer.status, calls) == (302, 1)


async def test_cookies_are_not_kept() -> None:
    seen: list[bytes] = []

    async def talk(reader: Reader, writer: Writer) -> None:
        seen.append(await read_request(reader))
        writer.write(ok(b"", "set-cookie: a=b; Path=/", "connection: close"))

    async with serving(talk) as port, transport() as carrier:
        await carrier.send(post(port), AMPLE)
        await carrier.send(post(port), AMPLE)
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


async def test_free_calls_share_a_connection_and_paid_calls_have_their_own() -> None:
    connections = 0

    async def talk(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        while not reader.at_eof():
            try:
                await read_request(reader)
            except asyncio.IncompleteReadError:
                return
            writer.write(ok())

    async with serving(talk) as port, transport() as carrier:
        await carrier.send(post(port), AMPLE)
        await carrier.send(post(port), AMPLE)
        assert connections == 1
        await carrier.send(post(port), AMPLE, paid=True)
        await carrier.send(post(port), AMPLE, paid=True)
    assert connections == 3


# --- nothing can have arrived ----------------------------------------------------------------------------------------


async def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert isinstance(await fate(post(unused.getsockname()[1])), NotSent)


async def test_a_name_that_does_not_exist_was_not_sent() -> None:
    assert isinstance(await fate(Call(method="POST", url="http://nobody.invalid/")), NotSent)


async def test_time_that_runs_out_before_the_connection_is_open_was_not_sent() -> None:
    hung_up = asyncio.Event()

    async def talk(reader: Reader, writer: Writer) -> None:
        # It takes the TCP connection and the client's TLS greeting, and never answers that.
        await reader.read(1)
        pass_by(AMPLE)
        await reader.read()
        hung_up.set()

    async with serving(talk) as port, transport() as carrier:
        await carrier._authorities.context()
        with pytest.raises(NotSent):
            await carrier.send(post(port, "https"), AMPLE)
        await asyncio.wait_for(hung_up.wait(), AMPLE)


async def test_authorities_are_loaded_when_the_first_https_address_needs_them() -> None:
    async with transport() as carrier:
        async with serving(saying(ok())) as port:
            await carrier.send(post(port), AMPLE)
        assert carrier._authorities._loading is None
        with pytest.raises(NotSent):
            await carrier.send(post(port, "https"), AMPLE)
        context = await carrier._authorities.context()
        assert len(context.get_ca_certs()) > 50
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_a_server_that_does_not_speak_tls_was_not_sent_to() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(talk) as port:
        assert isinstance(await fate(post(port, "https")), NotSent)


async def test_time_that_runs_out_while_waiting_for_a_free_connection_was_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handlers.http.engine.MAX_CALLS", 1)
    busy = asyncio.Event()

    async def talk(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        busy.set()
        await reader.read()

    async with serving(talk) as port, transport() as carrier:
        first = asyncio.create_task(carrier.send(post(port), AMPLE))
        await busy.wait()
        with pytest.raises(NotSent):
            await carrier.send(post(port), BRIEF)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


@pytest.mark.parametrize(
    "url", ["", "/hook", "ftp://127.0.0.1/", "http://", "http:///x", "http://a:99999/", "http://a\n/", "http://[::1/"]
)
async def test_what_is_no_web_address_was_not_sent(url: str) -> None:
    assert isinstance(await fate(Call(method="POST", url=url)), NotSent)


@pytest.mark.parametrize("value", ["with\nline", "with\r\nx-more: 1", "nul\0", "ключ"])
async def test_a_header_that_cannot_be_spoken_was_not_sent(value: str) -> None:
    wrong = await fate(Call(method="POST", url="http://127.0.0.1:1/", headers={"authorization": value}))
    assert isinstance(wrong, NotSent)
    assert "header" in str(wrong)
    assert value not in str(wrong)


# --- it may have arrived ---------------------------------------------------------------------------------------------


async def test_a_connection_closed_without_an_answer_may_have_arrived() -> None:
    async with serving(saying(b"")) as port:
        assert isinstance(await fate(post(port)), NoAnswer)


async def test_a_reset_after_the_request_may_have_arrived() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.transport.abort()

    async with serving(talk) as port:
        assert isinstance(await fate(post(port)), NoAnswer)


async def test_time_that_runs_out_after_the_request_may_have_arrived() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        pass_by(AMPLE)
        await reader.read()

    async with serving(talk) as port:
        assert isinstance(await fate(post(port)), NoAnswer)


async def test_the_time_counts_for_the_whole_call_and_not_from_byte_to_byte() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b".")
            pass_by(AMPLE / 10)
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.02)

    async with serving(talk) as port:
        assert isinstance(await fate(post(port)), NoAnswer)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"220 mail.example.com ESMTP\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", id="cut off"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="broken chunk"),
        pytest.param(ok(b"not gzip at all", "content-encoding: gzip"), id="broken gzip"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n", id="endless headers"),
    ],
)
async def test_an_answer_that_cannot_be_read_may_have_arrived(answer: bytes) -> None:
    async with serving(saying(answer)) as port:
        assert isinstance(await fate(post(port)), NoAnswer)


async def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    async with serving(saying(ok(b"x" * 5000))) as port:
        carrier = HttpTransport(max_answer=4999)
        with pytest.raises(NoAnswer, match="longer than 4999 bytes"):
            await carrier.send(post(port), AMPLE)
        await carrier.aclose()


async def test_an_answer_of_exactly_the_limit_is_read() -> None:
    async with serving(saying(ok(b"x" * 5000))) as port:
        carrier = HttpTransport(max_answer=5000)
        assert len((await carrier.send(post(port), AMPLE)).body) == 5000
        await carrier.aclose()


async def test_being_cancelled_is_not_an_outcome() -> None:
    asked = asyncio.Event()

    async def talk(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    async with serving(talk) as port, transport() as carrier:
        task = asyncio.create_task(carrier.send(post(port), AMPLE))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# --- secrets ---------------------------------------------------------------------------------------------------------

KEYS = ("annette", "sesame", "T0AAAAAAA", "hushhushhush", "querykey", "headerkey", "bodykey")


async def told(call: Call, caplog: pytest.LogCaptureFixture, seconds: float = AMPLE) -> str:
    """Everything that an operator may see of a failed call."""
    with caplog.at_level(logging.DEBUG):
        wrong = await fate(call, seconds)
    return f"{wrong}{wrong!r}{caplog.text}"


@pytest.mark.parametrize("answer", [b"", b"rubbish\r\n\r\n", ok(b"not gzip", "content-encoding: gzip"), None])
async def test_failures_name_the_host_and_nothing_else_of_the_call(
    answer: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with serving(saying(answer or b"")) as serving_port:
            port = unused.getsockname()[1] if answer is None else serving_port
            url = f"http://annette:sesame@127.0.0.1:{port}/services/T0AAAAAAA/hushhushhush?key=querykey"
            call = Call(method="POST", url=url, headers={"authorization": "Bearer headerkey"}, body=b"bodykey")
            text = await told(call, caplog)
    assert f"http://127.0.0.1:{port}" in text
    assert not [key for key in KEYS if key in text]


async def test_a_call_that_goes_well_logs_no_address(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(saying(ok())) as port, transport() as carrier:
        with caplog.at_level(logging.DEBUG):
            await carrier.send(Call(method="GET", url=f"http://127.0.0.1:{port}/services/hushhushhush"), AMPLE)
    assert "hushhushhush" not in caplog.text


def test_it_is_a_transport_as_the_contract_says() -> None:
    carrier: Transport = HttpTransport()
    assert callable(carrier.send)
