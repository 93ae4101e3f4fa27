"""The engine: which connection a call goes out on, and what ends it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import pytest

from handlers.http.engine import Engine
from handlers.http.pool import MAX_AGE_S, MAX_IDLE_S
from handlers.http.requests import write
from handlers.http.tls import TrustedAuthorities
from receiver.contracts import Answer, Call
from receiver.errors import NoAnswer, NotSent
from support.breaking import BreakingServer, Reply, breaking
from support.certificates import PrivateAuthority
from support.clocks import pass_by

#: Long enough for a loaded machine: reached only when a test fails.
AMPLE: Final = 30.0
OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine"
CLOSING: Final = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfine"


@asynccontextmanager
async def engine(ca_file: Path | None = None) -> AsyncIterator[Engine]:
    running = Engine(TrustedAuthorities(ca_file), max_answer=1_000_000)
    try:
        yield running
    finally:
        await running.aclose()
        assert not running._open


async def send(
    running: Engine,
    url: str,
    seconds: float = AMPLE,
    body: bytes = b"{}",
    *,
    pinned: tuple[str, ...] = (),
    fresh: bool = False,
) -> Answer:
    written = write(Call(method="POST", url=url, body=body, pinned=pinned))
    return await running.send(written, seconds, fresh=fresh)


@asynccontextmanager
async def met(said: bytes = OK) -> AsyncIterator[tuple[Engine, BreakingServer, str]]:
    """An engine, a server that says this to everything, and its address."""
    async with breaking(lambda headers, body: Reply(said)) as server, engine() as running:
        yield running, server, f"http://127.0.0.1:{server.port}/hook"


# --- kept connections


async def test_calls_after_one_another_share_a_connection_and_calls_at_once_have_their_own() -> None:
    async with met() as (running, server, url):
        for _ in range(3):
            await send(running, url)
        assert server.connections == 1
        await asyncio.gather(*(send(running, url) for _ in range(5)))
        assert server.connections == 5
        await asyncio.gather(*(send(running, url) for _ in range(5)))
        assert server.connections == 5


async def test_a_fresh_call_uses_no_kept_connection_and_leaves_none() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        await send(running, url, fresh=True)
        assert server.connections == 2
        await server.until(lambda: len(server.open) == 1)


async def test_a_call_that_may_not_go_any_more_when_its_connection_is_open_is_not_sent() -> None:
    async with met() as (running, server, url):
        connections: list[int] = []

        def may_go() -> bool:
            connections.append(len(running._open))
            return False

        written = write(Call(method="POST", url=url, body=b"{}"))
        with pytest.raises(NotSent, match="no longer ours"):
            await running.send(written, AMPLE, fresh=True, may_go=may_go)
        assert (connections, server.taken) == ([1], 0)
        assert (await running.send(written, AMPLE, fresh=True, may_go=lambda: True)).body == b"fine"


async def test_a_connection_is_not_kept_if_either_side_says_so_or_more_came_than_was_asked_for() -> None:
    for said in (CLOSING, OK + b"surplus", OK + OK, b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nfine"):
        async with met(said) as (running, server, url):
            for made in (1, 2):
                assert (await send(running, url)).body == b"fine"
                assert server.connections == made
                await server.until(lambda: not server.open)


async def test_what_comes_while_nobody_asks_ends_the_connection() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        (kept,) = server.open
        kept.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
        await server.until(lambda: not server.open)
        assert (await send(running, url)).body == b"fine"
        assert server.connections == 2


async def test_a_connection_that_the_other_side_closed_meanwhile_is_not_used() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        (kept,) = server.open
        kept.transport.close()
        await server.until(lambda: not server.open)
        await send(running, url)
        assert (server.connections, server.taken) == (2, 2)


async def test_an_idle_connection_is_closed_after_a_while_without_a_call() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        pass_by(MAX_IDLE_S)
        await server.until(lambda: not server.open)


async def test_a_connection_that_was_idle_for_long_is_not_used() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        loop = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + MAX_IDLE_S  # type: ignore[method-assign]
        # No turn of the loop lies between: the connection is still open.
        task = asyncio.ensure_future(send(running, url))
        await task
        assert server.connections == 2


async def test_an_old_connection_is_not_kept_on() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        for _ in range(int(MAX_AGE_S // (MAX_IDLE_S - 1)) + 1):
            pass_by(MAX_IDLE_S - 1)
            await send(running, url)
        assert server.connections == 2


async def test_another_host_port_or_pin_is_another_connection() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        await send(running, url.replace("127.0.0.1", "localhost"))
        await send(running, url, pinned=("127.0.0.1",))
        assert server.connections == 3


# --- early answers


class Refusing(asyncio.Protocol):
    """Says no to the first bytes of a request and reads no more of it; then hangs up, or does not."""

    gone: asyncio.Event
    hangs_up: bool

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.pause_reading()
        self.transport.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        if self.hangs_up:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()


@asynccontextmanager
async def refusing(*, hangs_up: bool, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """The port of such a server, and the event that a connection to it is gone."""
    gone = asyncio.Event()
    made: list[Refusing] = []

    def connection() -> asyncio.Protocol:
        made.append(Refusing())
        made[-1].gone, made[-1].hangs_up = gone, hangs_up
        return made[-1]

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1], gone
    made[-1].transport.abort()
    await asyncio.wait_for(gone.wait(), AMPLE)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_answer_may_come_before_the_request_is_out(authority: PrivateAuthority, scheme: str) -> None:
    tls = authority.server if scheme == "https" else None
    async with refusing(hangs_up=False, tls=tls) as (port, _), engine(authority.ca_file) as running:
        answer = await send(running, f"{scheme}://127.0.0.1:{port}/", body=bytes(30_000_000))
        assert (answer.status, answer.body) == (413, b"big")
        await running._wait_until_closed()  # it is of no use for another call
        assert not running._open


async def test_a_server_that_hangs_up_on_a_long_request_has_answered_or_it_may_have_arrived() -> None:
    async with refusing(hangs_up=True) as (port, gone), engine() as running:
        for _ in range(20):
            gone.clear()
            try:
                answer = await send(running, f"http://127.0.0.1:{port}/", body=bytes(5_000_000), fresh=True)
            except NoAnswer:
                pass
            else:
                assert (answer.status, answer.body) == (413, b"big")
            await asyncio.wait_for(gone.wait(), AMPLE)


# --- time, and being cancelled


@pytest.mark.parametrize("length", range(0, len(OK), 5))
async def test_an_answer_that_stalls_is_given_up_in_time(length: int) -> None:
    async with met() as (running, server, url):
        server.replying = lambda headers, body: Reply(OK[:length])
        call = asyncio.ensure_future(send(running, url))
        await server.until(lambda: server.taken == 1)
        pass_by(AMPLE)
        with pytest.raises(NoAnswer, match="in time"):
            await call
        await server.until(lambda: not server.open)


async def test_a_call_that_is_cancelled_ends_its_connection() -> None:
    async with met(b"") as (running, server, url):
        call = asyncio.ensure_future(send(running, url))
        await server.until(lambda: server.taken == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.until(lambda: not server.open)


async def test_a_call_that_is_cancelled_before_tls_is_finished_ends_its_connection() -> None:
    async with engine() as running:
        greeted, gone = asyncio.Event(), asyncio.Event()

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            greeted.set()
            await reader.read()
            gone.set()
            writer.close()

        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        call = asyncio.ensure_future(send(running, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
        await asyncio.wait_for(greeted.wait(), AMPLE)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(gone.wait(), AMPLE)
        server.close()
        await server.wait_closed()


async def test_without_time_nothing_is_sent() -> None:
    async with met() as (running, server, url):
        await send(running, url)
        with pytest.raises(NotSent):
            await send(running, url, 0.0)
        assert server.taken == 1


async def test_at_the_end_calls_under_way_end_too() -> None:
    async with met(b"") as (running, server, url):
        call = asyncio.ensure_future(send(running, url))
        await server.until(lambda: server.taken == 1)
        await running.aclose()
        with pytest.raises(NoAnswer):
            await call


# --- names and addresses


async def test_a_name_is_looked_up_in_time_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    begun = asyncio.Event()

    async def hang(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        begun.set()
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hang)
    async with engine() as running:
        calls = [asyncio.ensure_future(send(running, "http://slow.test/")) for _ in range(3)]
        await begun.wait()
        pass_by(AMPLE)
        for call in calls:
            with pytest.raises(NotSent, match="no connection in time"):
                await call
        assert asked == ["slow.test"]


@pytest.mark.parametrize("host", ["nobody.invalid", "a..b", "a" * 70])
async def test_a_name_that_leads_nowhere_was_not_sent(host: str) -> None:
    async with engine() as running:
        with pytest.raises(NotSent, match="no connection"):
            await send(running, f"http://{host}/")


async def test_the_first_address_that_takes_the_connection_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with met() as (running, server, url):
        found = [(2, 1, 6, "", (host, server.port)) for host in ("127.0.0.2", "127.0.0.3", "127.0.0.1")]

        async def several(*_: object, **__: object) -> list[Any]:
            return found

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", several)
        answer = await send(running, url.replace("127.0.0.1", "several.test"))
        assert (answer.body, server.taken) == (b"fine", 1)


async def test_ipv6_is_spoken() -> None:
    def echo(headers: dict[str, str], _body: bytes) -> Reply:
        host = headers["host"].encode()
        return Reply(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(host) + host)

    server = BreakingServer(echo)
    try:
        listening = await asyncio.get_running_loop().create_server(server.connection, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = listening.sockets[0].getsockname()[1]
    async with engine() as running:
        assert (await send(running, f"http://[::1]:{port}/")).body == f"[::1]:{port}".encode()
    listening.close()
    await listening.wait_closed()


async def test_a_pinned_call_goes_to_that_address_under_its_own_name(authority: PrivateAuthority) -> None:
    named: list[str] = []
    hosts: list[str] = []

    def note(_socket: ssl.SSLObject, name: str, _context: ssl.SSLContext) -> None:
        named.append(name)

    def reply(headers: dict[str, str], _body: bytes) -> Reply:
        hosts.append(headers["host"])
        return Reply(OK)

    authority.server.sni_callback = note
    try:
        async with breaking(reply, authority.server) as server, engine(authority.ca_file) as running:
            url = f"https://vendor.test:{server.port}/"
            await send(running, url, pinned=("127.0.0.1",))
            assert (named, hosts) == (["vendor.test"], [f"vendor.test:{server.port}"])
            with pytest.raises(NotSent):
                await send(running, url, pinned=("vendor.test",))
    finally:
        authority.server.sni_callback = None


# --- whom it trusts


@pytest.mark.parametrize(
    ("name", "known", "sent"),
    [("localhost", True, True), ("127.0.0.1", True, True), ("localhost", False, False), ("other.test", True, False)],
)
async def test_only_a_server_that_a_known_authority_vouches_for_gets_a_call(
    authority: PrivateAuthority, name: str, known: bool, sent: bool
) -> None:
    ca_file = authority.ca_file if known else None
    async with breaking(lambda headers, body: Reply(OK), authority.server) as server, engine(ca_file) as running:
        call = send(running, f"https://{name}:{server.port}/", pinned=("127.0.0.1",))
        if sent:
            assert (await call).status == 200
        else:
            with pytest.raises(NotSent, match="certificate verify failed"):
                await call
            assert server.taken == 0


async def test_authorities_that_cannot_be_read_are_tried_again(tmp_path: Path, authority: PrivateAuthority) -> None:
    file = tmp_path / "own.pem"
    async with breaking(lambda headers, body: Reply(OK), authority.server) as server, engine(file) as running:
        url = f"https://localhost:{server.port}/"
        with pytest.raises(NotSent, match="No such file"):
            await send(running, url)
        file.write_bytes(authority.ca_file.read_bytes())
        assert (await send(running, url)).status == 200
