"""Several addresses of one host: the first that takes the connection wins, and nothing is left of the others."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

import pytest

from handlers.http import connecting
from handlers.http.connecting import open_socket
from handlers.http.names import HostAddress, Resolver, literal_addresses


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Every socket that is opened."""
    found: list[socket.socket] = []

    class Noted(socket.socket):
        def __init__(self, *given: int) -> None:
            super().__init__(*given)
            if self.family == socket.AF_INET:  # the event loop has some of its own
                found.append(self)

    monkeypatch.setattr("handlers.http.connecting.socket.socket", Noted)
    return found


def listening(stack: ExitStack) -> HostAddress:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return HostAddress(socket.AF_INET, server.getsockname())


def refusing() -> HostAddress:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return HostAddress(socket.AF_INET, server.getsockname())


class Silent:
    """The event loop's way to connect, where some addresses never answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *silent: HostAddress) -> None:
        loop = asyncio.get_running_loop()
        real = loop.sock_connect
        self.asked = asyncio.Event()

        async def connect(sock: socket.socket, address: tuple[str, int]) -> None:
            if address in [one.sockaddr for one in silent]:
                self.asked.set()
                await asyncio.Event().wait()
            await real(sock, address)

        monkeypatch.setattr(loop, "sock_connect", connect)


async def test_an_address_that_refuses_is_passed_over_at_once(opened: list[socket.socket]) -> None:
    with ExitStack() as stack:
        addresses = [refusing(), refusing(), good := listening(stack)]
        opened.clear()
        won = stack.enter_context(await open_socket(addresses))
        assert won.getpeername() == good.sockaddr
        assert {one.fileno() for one in opened if one is not won} == {-1}


async def test_an_address_that_is_silent_has_a_head_start_and_no_more(
    opened: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "STAGGER_S", 0.001)
    with ExitStack() as stack:
        silent, good = HostAddress(socket.AF_INET, ("127.0.0.9", 9)), listening(stack)
        Silent(monkeypatch, silent)
        opened.clear()
        won = stack.enter_context(await open_socket([silent, good]))
        assert won.getpeername() == good.sockaddr
        assert {one.fileno() for one in opened if one is not won} == {-1}


async def test_if_none_takes_it_the_first_one_says_why(opened: list[socket.socket]) -> None:
    with pytest.raises(ConnectionRefusedError):
        await open_socket([refusing(), refusing()])
    assert {one.fileno() for one in opened} == {-1}


async def test_whoever_gives_up_leaves_no_socket(opened: list[socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    for addresses in (1, 2):
        silent = [HostAddress(socket.AF_INET, ("127.0.0.9", port)) for port in range(1, addresses + 1)]
        asked = Silent(monkeypatch, *silent).asked
        opening = asyncio.ensure_future(open_socket(silent))
        await asked.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert {one.fileno() for one in opened} == {-1}


async def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    found = [(six, 1, 6, "", (f"::{n}", 1, 0, 0)) for n in (1, 2, 3)] + [(four, 1, 6, "", ("127.0.0.1", 1))]

    async def look_up(*_: object, **__: object) -> list[object]:
        return list(found)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    resolver = Resolver()
    addresses = await resolver.addresses("several.test", 1)
    assert [one.sockaddr[0] for one in addresses] == ["::1", "127.0.0.1", "::2", "::3"]
    found.clear()
    with pytest.raises(OSError, match="no address"):
        await resolver.addresses("several.test", 1)
    await resolver.aclose()


def test_addresses_that_are_written_as_numbers_need_no_look_up() -> None:
    assert [one.sockaddr[:2] for one in literal_addresses(["127.0.0.1", "::1"], 80)] == [("127.0.0.1", 80), ("::1", 80)]
    with pytest.raises(OSError, match=r"."):
        literal_addresses(["localhost"], 80)


@pytest.mark.parametrize("host", ["a..b", "a" * 70, "nobody.invalid"])
async def test_what_leads_nowhere_is_an_error_of_the_system(host: str) -> None:
    resolver = Resolver()
    with pytest.raises(OSError, match=r"."):
        await resolver.addresses(host, 80)
    await resolver.aclose()
