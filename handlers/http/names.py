"""Looks up the addresses of hosts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, Final, NamedTuple

#: How many addresses of a host are tried.
MAX_ADDRESSES: Final = 8
#: It is empty, or too long, between two dots.
NO_NAME: Final = "this cannot be the name of a host"


class HostAddress(NamedTuple):
    """One address of a host, as the system's calls take it."""

    family: int
    sockaddr: tuple[Any, ...]


class Resolver:
    """Looks names up beside the event loop, each once at a time however many ask for it."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, int], asyncio.Task[list[HostAddress]]] = {}

    async def addresses(self, host: str, port: int) -> list[HostAddress]:
        """The addresses of a host, the best first, IPv6 and IPv4 in turn; at least one. Raises OSError."""
        try:
            return literal_addresses([host], port)
        except OSError:
            pass
        key = (host, port)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(_look_up(host, port))
            task.add_done_callback(lambda done: self._done(key, done))
        # Shielded: the look-up goes on for the others, and for those that ask next.
        return await asyncio.shield(task)

    def _done(self, key: tuple[str, int], task: asyncio.Task[list[HostAddress]]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, though nobody may wait for it any more

    async def aclose(self) -> None:
        """Waits for no answer any more."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def literal_addresses(hosts: Sequence[str], port: int) -> list[HostAddress]:
    """Addresses that are written as numbers. Raises OSError if one is none."""
    numeric = socket.AI_NUMERICHOST
    try:
        found = [socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric) for host in hosts]
    except UnicodeError:
        raise OSError(NO_NAME) from None
    return [HostAddress(family, sockaddr) for family, _, _, _, sockaddr in chain.from_iterable(found)]


async def _look_up(host: str, port: int) -> list[HostAddress]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(NO_NAME) from None
    families: dict[int, list[HostAddress]] = {}
    for family, _, _, _, sockaddr in found:
        families.setdefault(family, []).append(HostAddress(family, sockaddr))
    in_turn = chain.from_iterable(zip_longest(*families.values()))
    addresses = [address for address in in_turn if address is not None][:MAX_ADDRESSES]
    if not addresses:
        raise OSError("the name has no address")
    return addresses
