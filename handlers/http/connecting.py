"""Opens sockets to hosts that may have several addresses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

from handlers.http.names import HostAddress

#: How long an address is tried alone before the next one is tried beside it, seconds (RFC 8305: 0.25).
STAGGER_S: Final = 0.25


async def open_socket(addresses: Sequence[HostAddress]) -> socket.socket:
    """A TCP connection to the address that takes one first; they are tried in turn, a quarter of a second apart.

    Raises the OSError of the first that failed if none does.
    """
    if len(addresses) == 1:
        return await _open(addresses[0])
    race = _Race(addresses)
    try:
        return await race.run()
    finally:
        await race.end()


class _Race:
    """Tries one address after the other; each has a head start."""

    def __init__(self, addresses: Sequence[HostAddress]) -> None:
        self._waiting = list(reversed(addresses))
        self._tries: list[asyncio.Task[socket.socket]] = []
        self._winner: asyncio.Task[socket.socket] | None = None

    async def run(self) -> socket.socket:
        running: set[asyncio.Task[socket.socket]] = set()
        while self._waiting or running:
            if self._waiting:
                started = asyncio.ensure_future(_open(self._waiting.pop()))
                self._tries.append(started)
                running.add(started)
            alone = STAGGER_S if self._waiting else None
            done, running = await asyncio.wait(running, timeout=alone, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if one.exception() is None:
                    self._winner = one
                    return one.result()
        return self._tries[0].result()

    async def end(self) -> None:
        """Gives up what did not win."""
        for one in self._tries:
            one.cancel()
        for opened in await asyncio.gather(*self._tries, return_exceptions=True):
            if isinstance(opened, socket.socket) and (self._winner is None or opened is not self._winner.result()):
                opened.close()


async def _open(address: HostAddress) -> socket.socket:
    opened = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(opened, address.sockaddr)
    except BaseException:
        opened.close()
        raise
    return opened
