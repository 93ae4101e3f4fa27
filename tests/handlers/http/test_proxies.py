"""Calls through a proxy: which ones, and what becomes of them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import pytest

from handlers.http.addresses import Origin
from handlers.http.proxies import ProxyChoice
from handlers.http.transport import HttpTransport
from receiver.contracts import Call, CallNetwork
from receiver.errors import NoAnswer, NotSent
from receiver.lib.signatures import Secret
from support.breaking import BreakingServer, Reply, breaking
from support.certificates import PrivateAuthority

AMPLE: Final = 30.0
OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine"


# --- which calls


@pytest.mark.parametrize(
    ("entry", "reached", "not_reached"),
    [
        ("corp.example", ["corp.example", "a.corp.example", "corp.example."], ["mycorp.example", "example"]),
        (".corp.example", ["corp.example", "a.corp.example"], ["mycorp.example"]),
        ("*.Corp.Example", ["corp.example", "a.corp.example"], ["mycorp.example"]),
        ("corp.example:8443", ["corp.example:8443"], ["corp.example:443"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.0.0.1", "ten.example"]),
        ("10.0.0.1", ["10.0.0.1"], ["10.0.0.2"]),
        ("[fd00::1]", ["fd00::1"], ["fd00::2"]),
        ("*", ["anything.example", "9.9.9.9"], []),
        (".", [], ["anything.example"]),
    ],
)
def test_what_no_proxy_says_is_reached_directly(entry: str, reached: list[str], not_reached: list[str]) -> None:
    choice = ProxyChoice(CallNetwork(https_proxy=Secret("http://p:1"), no_proxy=(entry,)))

    def direct(text: str) -> bool:
        host, _, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
        return choice.proxy_for(Origin("https", host, int(port or 443))) is None

    assert [host for host in [*reached, *not_reached] if direct(host)] == reached


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_always_reached_directly(host: str) -> None:
    choice = ProxyChoice(CallNetwork(http_proxy=Secret("http://p:1")))
    assert choice.proxy_for(Origin("http", host, 80)) is None
    assert choice.proxy_for(Origin("http", "other.example", 80)) == "http://p:1"


def test_each_scheme_has_its_own_proxy() -> None:
    choice = ProxyChoice(CallNetwork(https_proxy=Secret("http://p:1")))
    assert choice.proxy_for(Origin("http", "a.example", 80)) is None
    assert choice.proxy_for(Origin("https", "a.example", 443)) == "http://p:1"


# --- what becomes of them


class Proxy:
    """A proxy on loopback that leads to one server, whatever name it is asked for."""

    def __init__(self, port: int) -> None:
        self._port = port
        #: The heads of what it was asked.
        self.asked: list[bytes] = []
        self.answer = b"HTTP/1.1 200 Connection established\r\n\r\n"
        #: After so many bytes of what comes back through a tunnel it hangs up.
        self.upto = 1 << 30

    async def treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        tunnel = head.startswith(b"CONNECT")
        if tunnel:
            writer.write(self.answer)
        if tunnel and b" 200 " not in self.answer:
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        if not tunnel:
            back.write(head)

        async def forth() -> None:
            with suppress(ConnectionError):
                while data := await reader.read(65_536):
                    back.write(data)
            back.close()

        going = asyncio.ensure_future(forth())
        left = self.upto
        while left > 0 and (data := await there.read(min(left, 65_536))):
            writer.write(data)
            left -= len(data)
        going.cancel()
        back.close()
        with suppress(ConnectionError):
            await back.wait_closed()


@asynccontextmanager
async def proxied(server: BreakingServer, ca: PrivateAuthority) -> AsyncIterator[tuple[HttpTransport, Proxy]]:
    proxy = Proxy(server.port)
    treated: set[asyncio.Task[None]] = set()

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        treated.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await proxy.treat(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    listening = await asyncio.start_server(treat, "127.0.0.1", 0)
    address = Secret(f"http://ann:sesame@127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    transport = HttpTransport(network=CallNetwork(ca_file=ca.ca_file, http_proxy=address, https_proxy=address))
    try:
        yield transport, proxy
    finally:
        await transport.aclose()
        listening.close()
        await asyncio.gather(*treated)
        await listening.wait_closed()


def post(scheme: str) -> Call:
    return Call(method="POST", url=f"{scheme}://vendor.test/order", body=b"{}")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("paid", [True, False])
async def test_a_call_goes_through_the_proxy_with_its_password_and_no_further(
    authority: PrivateAuthority, scheme: str, paid: bool
) -> None:
    heard: list[dict[str, str]] = []

    def reply(headers: dict[str, str], _body: bytes) -> Reply:
        heard.append(headers)
        return Reply(OK)

    tls = authority.server if scheme == "https" else None
    async with breaking(reply, tls) as server, proxied(server, authority) as (transport, proxy):
        answer = await transport.send(post(scheme), AMPLE, paid=paid)
        assert (answer.status, answer.body) == (200, b"fine")
        basic = b"Basic " + base64.b64encode(b"ann:sesame")
        assert basic.lower() in proxy.asked[0].lower()
        assert heard[0]["host"] == "vendor.test"
        assert scheme == "http" or "proxy-authorization" not in heard[0]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_call_that_may_not_go_any_more_behind_the_proxy_is_not_sent(
    authority: PrivateAuthority, scheme: str
) -> None:
    tls = authority.server if scheme == "https" else None
    async with (
        breaking(lambda _headers, _body: Reply(OK), tls) as server,
        proxied(server, authority) as (
            transport,
            _proxy,
        ),
    ):
        answers = [True, False]  # before it is connected, and then
        with pytest.raises(NotSent, match="no longer ours"):
            await transport.send(post(scheme), AMPLE, paid=True, may_go=lambda: answers.pop(0))
        assert (answers, server.taken) == ([], 0)


async def test_a_proxy_that_opens_no_tunnel_was_not_sent_the_call(authority: PrivateAuthority) -> None:
    async with breaking(lambda headers, body: Reply(OK), authority.server) as server:
        async with proxied(server, authority) as (transport, proxy):
            for answer in (
                b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n",
                b"HTTP/1.1 502 No\r\n\r\n",
                b"rubbish",
                b"",
            ):
                proxy.answer = answer
                with pytest.raises(NotSent) as caught:
                    await transport.send(post("https"), AMPLE, paid=True)
                assert "sesame" not in str(caught.value)
        assert server.taken == 0


async def test_a_proxy_that_is_not_there_was_not_sent_the_call() -> None:
    transport = HttpTransport(network=CallNetwork(http_proxy=Secret("http://127.0.0.1:1")))
    with pytest.raises(NotSent):
        await transport.send(post("http"), AMPLE)
    await transport.aclose()


@pytest.mark.parametrize("upto", range(0, 500, 25))
async def test_a_tunnel_that_breaks_off_before_tls_is_finished_was_not_sent_the_call(
    authority: PrivateAuthority, upto: int
) -> None:
    tls = authority.server
    async with (
        breaking(lambda headers, body: Reply(OK), tls) as server,
        proxied(server, authority) as (transport, proxy),
    ):
        proxy.upto = upto
        with pytest.raises(NotSent):
            await transport.send(post("https"), AMPLE, paid=True)
        assert server.taken == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("said", [b"", OK[:10], OK[:-1]])
async def test_what_breaks_off_behind_the_proxy_may_have_arrived(
    authority: PrivateAuthority, scheme: str, said: bytes
) -> None:
    tls = authority.server if scheme == "https" else None
    async with (
        breaking(lambda headers, body: Reply(said, "close"), tls) as server,
        proxied(server, authority) as (transport, _),
    ):
        with pytest.raises(NoAnswer):
            await transport.send(post(scheme), AMPLE, paid=True)
        assert server.taken == 1
