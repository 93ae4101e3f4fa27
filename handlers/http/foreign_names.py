"""Looks up the hosts of foreign addresses, in threads that nothing else waits for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from functools import partial
from typing import Final

#: How many names are looked up at once. Whoever owns a name decides how long that takes.
LOOK_UPS: Final = 8


class ForeignNames:
    """A resolver whose slow names hold up each other only: not our own calls, nor files, nor the end of the process."""

    def __init__(self, most: int = LOOK_UPS) -> None:
        """`most`: how many look-ups go on at once; further ones wait."""
        self._room = asyncio.Semaphore(most)

    async def look_up(self, host: str, port: int) -> list[str]:
        """The addresses of a host as text, as the system's resolver says. Raises OSError."""
        await self._room.acquire()
        found: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        thread = threading.Thread(target=self._ask, args=(host, port, found), name="foreign name", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._room.release()
            raise OSError("there is no room for another look-up") from None
        return await found

    def _ask(self, host: str, port: int, found: asyncio.Future[list[str]]) -> None:
        """Runs beside the loop; the room is free again when it is over, whether or not somebody still waits for it."""
        addresses: list[str] | OSError
        try:
            listed = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in listed))
        except OSError as wrong:
            addresses = wrong
        except UnicodeError:
            addresses = OSError("this cannot be the name of a host")
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            found.get_loop().call_soon_threadsafe(partial(self._over, found, addresses))

    def _over(self, found: asyncio.Future[list[str]], addresses: list[str] | OSError) -> None:
        self._room.release()
        if found.done():
            return
        if isinstance(addresses, OSError):
            found.set_exception(addresses)
        else:
            found.set_result(addresses)
