from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from handlers.http.foreign import GuardedClient
from handlers.http.foreign_names import ForeignNames
from handlers.http.transport import HttpTransport
from receiver.errors import ForeignRefused, NoAnswer, NotSent

LOOPBACK = "127.0.0.1"
Side = Callable[[bytes], bytes]


def answering(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def serving(side: Side, host: str = LOOPBACK) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server; its port, and the heads of the requests that it got."""
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(side(seen[-1]))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, host, 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.aclose()


async def leading_to_loopback(host: str, port: int) -> list[str]:
    return [LOOPBACK]


async def test_an_allowed_network_is_reached_at_any_port_under_the_name(transport: HttpTransport) -> None:
    client = GuardedClient(transport, ["127.0.0.0/8"], leading_to_loopback)
    async with serving(lambda head: answering(b"x" * 10)) as (port, seen):
        answer = await client.fetch(f"http://pictures.example.test:{port}/a%20b.png?c=d#e", 20, 10)
    head = seen[0].decode()
    assert answer.body == b"x" * 10
    assert head.startswith("GET /a%20b.png?c=d HTTP/1.1\r\n")
    assert f"host: pictures.example.test:{port}\r\n" in head.lower()
    assert "cookie" not in head.lower()
    assert "authorization" not in head.lower()


async def test_without_permission_nothing_is_connected_to(transport: HttpTransport) -> None:
    async with serving(lambda head: answering(b"")) as (port, seen):
        for client in (GuardedClient(transport), GuardedClient(transport, ["10.0.0.0/8"], leading_to_loopback)):
            with pytest.raises(ForeignRefused, match="loopback") as refused:
                await client.fetch(f"http://{LOOPBACK}:{port}/", 20, 10)
            assert refused.value.code == "address"
    assert seen == []


async def test_a_name_is_looked_up_once_for_each_call(transport: HttpTransport) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return [LOOPBACK] if len(asked) == 1 else ["10.9.9.9"]

    client = GuardedClient(transport, ["127.0.0.0/8"], rebinding)
    async with serving(lambda head: answering(b"", "302 Found", "location: /next")) as (port, seen):
        with pytest.raises(ForeignRefused, match=r"10\.9\.9\.9 \(private\)"):
            await client.fetch(f"http://rebind.test:{port}/", 20, 10)
    assert asked == ["rebind.test"] * 2
    assert len(seen) == 1


async def test_the_next_address_is_tried_where_one_takes_no_connection(transport: HttpTransport) -> None:
    async def several(host: str, port: int) -> list[str]:
        return ["127.0.0.2", LOOPBACK]

    client = GuardedClient(transport, ["127.0.0.0/8"], several)
    async with serving(lambda head: answering(b"here")) as (port, _):
        assert (await client.fetch(f"http://two.test:{port}/", 20, 10)).body == b"here"


async def test_tls_is_spoken_with_the_name_and_not_with_the_address() -> None:
    seen: list[httpx.Request] = []

    def side(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async def public(host: str, port: int) -> list[str]:
        return ["2606:4700::1111"]

    await GuardedClient(HttpTransport(httpx.MockTransport(side)), (), public).fetch("https://cdn.test/a", 20, 10)
    assert seen[0].extensions["sni_hostname"] == "cdn.test"
    assert (seen[0].url.host, seen[0].headers["host"]) == ("2606:4700::1111", "cdn.test")


async def test_a_body_that_is_cut_short_or_too_long_is_none(transport: HttpTransport) -> None:
    client = GuardedClient(transport, ["127.0.0.0/8"], leading_to_loopback)
    async with serving(lambda head: answering(b"x" * 100)[:-50]) as (port, _):
        with pytest.raises(NoAnswer):
            await client.fetch(f"http://cut.test:{port}/", 20, 1000)
    async with serving(lambda head: answering(b"x" * 100)) as (port, _):
        with pytest.raises(ForeignRefused, match="longer than 99 bytes"):
            await client.fetch(f"http://long.test:{port}/", 20, 99)


async def test_the_time_is_for_all_of_it(transport: HttpTransport) -> None:
    async def slow(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(NoAnswer, match=r"within 0\.05 s"):
        await GuardedClient(transport, (), slow).fetch("http://slow.test/", 0.05, 10)


async def test_what_may_pass_is_no_refusal(transport: HttpTransport) -> None:
    client = GuardedClient(transport, ["127.0.0.0/8"], leading_to_loopback)
    for status in ("429 Slow down", "503 Later"):
        async with serving(lambda head, status=status: answering(b"", status)) as (port, _):  # type: ignore[misc]
            with pytest.raises(NoAnswer, match=status[:3]):
                await client.fetch(f"http://busy.test:{port}/", 20, 10)

    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(NotSent, match="no such name"):
        await GuardedClient(transport, (), unknown).fetch("http://unknown.test/", 20, 10)


async def test_the_message_of_a_refusal_shows_no_path_and_no_query(transport: HttpTransport) -> None:
    for url in ("http://127.0.0.1/hush?hush", "http://hush:hush@ok.test/hush", "ftp://ok.test/hush"):
        with pytest.raises(ForeignRefused) as refused:
            await GuardedClient(transport).fetch(url, 20, 10)
        assert "hush" not in str(refused.value)


async def test_every_way_to_write_a_number_is_read_as_the_system_reads_it() -> None:
    look_up = ForeignNames().look_up
    for text in ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"):
        assert await look_up(text, 80) == [LOOPBACK]
    with pytest.raises(OSError, match="cannot be the name"):
        await look_up("a..b", 80)
