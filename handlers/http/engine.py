"""The engine: carries calls out over connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, Final

from handlers.http.addresses import Origin
from handlers.http.answers import quote
from handlers.http.connecting import open_socket
from handlers.http.connection import ClientConnection, ClosedInSilence
from handlers.http.names import Resolver, literal_addresses
from handlers.http.pool import ConnectionPool
from handlers.http.requests import TOO_LATE, WrittenCall
from handlers.http.tls import TrustedAuthorities
from receiver.contracts import Answer
from receiver.errors import AnswerTooLong, NoAnswer, NotSent

#: Seconds that opening a connection may take of a call's time: the name, TCP and TLS together.
MAX_CONNECT_S: Final = 10.0
#: Calls at once; what comes on top waits.
MAX_CALLS: Final = 256
#: How long the other side may take to end TLS in good order, seconds.
TLS_END_S: Final = 2.0
#: How long connections may take to close when all of them must, seconds.
CLOSING_S: Final = 1.0


class Engine:
    """HTTP/1.1 over TCP and TLS, on the running event loop. Knows of each call whether its first byte went out."""

    def __init__(self, authorities: TrustedAuthorities, *, max_answer: int) -> None:
        """`max_answer` is the most bytes that an answer's body may have."""
        self._loop = asyncio.get_running_loop()
        self._authorities = authorities
        self._max_answer = max_answer
        self._names = Resolver()
        self._pool = ConnectionPool(self._loop)
        self._places = asyncio.Semaphore(MAX_CALLS)
        #: Every connection that is not closed yet, and that one was.
        self._open: set[ClientConnection] = set()
        self._lost = asyncio.Event()

    async def send(
        self, written: WrittenCall, seconds: float, *, fresh: bool = False, may_go: Callable[[], bool] | None = None
    ) -> Answer:
        """The answer to a call within so many seconds. A `fresh` one gets a connection of its own.

        `may_go` is asked right before the first byte of a fresh one: False stops it.
        Raises NotSent, or NoAnswer once a byte may have gone out. A kept connection that was closed meanwhile costs a
        second try.
        """
        deadline = self._loop.time() + seconds
        try:
            await self._wait_for_place(deadline)
            try:
                return await self._on_some_connection(written, deadline, fresh, may_go)
            finally:
                self._places.release()
        except NotSent as wrong:
            raise NotSent(f"{written.address.origin}: {wrong}") from None
        except AnswerTooLong as wrong:
            raise AnswerTooLong(f"{written.address.origin}: {wrong}") from None
        except NoAnswer as wrong:
            raise NoAnswer(f"{written.address.origin}: {wrong}") from None

    async def connect(self, origin: Origin, seconds: float) -> None:
        """Opens a connection within so many seconds, sends nothing, and closes it. Raises NotSent."""
        try:
            connection = await self._connect(origin, (), self._loop.time() + seconds)
        except NotSent as wrong:
            raise NotSent(f"{origin}: {wrong}") from None
        connection.close()

    async def aclose(self) -> None:
        """Closes every connection: in good order those that are idle, the others at once."""
        self._pool.close()
        await self._names.aclose()
        for connection in list(self._open):
            connection.close() if connection.idle else connection.abort()
        await self._wait_until_closed()
        for connection in list(self._open):
            connection.abort()
        await self._wait_until_closed()

    async def _wait_until_closed(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                while self._open:
                    self._lost.clear()
                    await self._lost.wait()

    async def _wait_for_place(self, deadline: float) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once
            return
        try:
            async with asyncio.timeout_at(deadline):
                await self._places.acquire()
        except TimeoutError:
            raise NotSent("no free connection in time") from None

    async def _on_some_connection(
        self, written: WrittenCall, deadline: float, fresh: bool, may_go: Callable[[], bool] | None
    ) -> Answer:
        origin, request, pinned = written.address.origin, written.as_bytes(), written.call.pinned
        key = (origin, pinned)
        kept = None if fresh else self._pool.take(key)
        if kept is not None:
            # One that was closed as the call went out says nothing of the call.
            with suppress(ClosedInSilence):
                return await self._on(kept, request, deadline, key, written.call.max_answer)
        connection = await self._connect(origin, pinned, deadline)
        if may_go is not None and not may_go():
            connection.close()
            raise NotSent(TOO_LATE)
        return await self._on(connection, request, deadline, None if fresh else key, written.call.max_answer)

    async def _on(
        self,
        connection: ClientConnection,
        request: bytes,
        deadline: float,
        key: Hashable | None,
        max_answer: int | None,
    ) -> Answer:
        """The answer on this connection, which is kept by `key` afterwards, or closed if that is None."""
        answer = await connection.exchange(request, deadline, max_answer)
        if key is None:
            connection.close()
        else:
            self._pool.put(key, connection)
        return answer

    async def _connect(self, origin: Origin, pinned: tuple[str, ...], deadline: float) -> ClientConnection:
        """A new connection. Raises NotSent."""
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + MAX_CONNECT_S)):
                return await self._open_connection(origin, pinned)
        except TimeoutError:
            raise NotSent("no connection in time") from None
        except Exception as wrong:  # noqa: BLE001 - whatever it is, nothing was sent
            # Why there is none is the system's word (refused, unknown name, bad certificate), not the call's.
            why = str(wrong) or type(wrong).__name__
            raise NotSent(f"no connection ({quote(why.encode(errors='replace'))})") from None

    async def _open_connection(self, origin: Origin, pinned: tuple[str, ...]) -> ClientConnection:
        if pinned:
            addresses = literal_addresses(pinned, origin.port)
        else:
            addresses = await self._names.addresses(origin.host, origin.port)
        tls: dict[str, Any] = {}
        if origin.scheme == "https":
            host = origin.host.partition("%")[0].rstrip(".")
            context = await self._authorities.context()
            tls = {"ssl": context, "server_hostname": host, "ssl_shutdown_timeout": TLS_END_S}
        opened = await open_socket(addresses)
        _, connection = await self._loop.create_connection(self._connection, sock=opened, **tls)
        if connection.is_open:
            self._open.add(connection)
        return connection

    def _connection(self) -> ClientConnection:
        return ClientConnection(self._loop, self._max_answer, self._gone)

    def _gone(self, connection: ClientConnection) -> None:
        self._open.discard(connection)
        self._lost.set()
