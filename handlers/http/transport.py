"""The transport that the server gives to all who call: the engine, and proxies where there are some."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from handlers.http.addresses import parse_address
from handlers.http.engine import Engine
from handlers.http.proxies import ProxyChoice
from handlers.http.requests import WrittenCall, write
from handlers.http.tls import TrustedAuthorities
from receiver.contracts import Answer, Call, CallNetwork
from receiver.errors import NotSent

if TYPE_CHECKING:
    from handlers.http.library import LibraryCalls, LibraryTransport

#: Bytes of an answer's body that are read at most.
MAX_ANSWER: Final = 10 * 1024 * 1024
#: Connections to a proxy that are kept.
KEPT_ALIVE: Final = 20


class HttpTransport:
    """Carries calls out over HTTP/1.1: a `receiver.contracts.Transport`."""

    def __init__(
        self,
        stand_in: LibraryTransport | None = None,
        *,
        network: CallNetwork | None = None,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        """`stand_in` replaces the network in tests; `max_answer` is the most bytes of a body that are read."""
        network = network or CallNetwork()
        self._max_answer = max_answer
        self._proxies = ProxyChoice(network)
        self._authorities = TrustedAuthorities(network.ca_file)
        self._engine: Engine | None = None
        #: By proxy and whether each call opens a connection of its own.
        self._library: dict[tuple[str, bool], LibraryCalls] = {}
        self._stand_in = _library_calls(stand_in, max_answer) if stand_in is not None else None

    async def send(
        self, call: Call, seconds: float, *, paid: bool = False, may_go: Callable[[], bool] | None = None
    ) -> Answer:
        """The answer to a call within so many seconds, connecting and reading the body included.

        Raises NotSent if nothing can have reached the other side, NoAnswer if it may have (an answer beyond
        `max_answer` included). Messages name scheme, host and port, and nothing else of the call.
        """
        written = write(call)
        if self._stand_in is not None:
            return await self._stand_in.send(written, seconds, may_go)
        proxy = self._proxies.proxy_for(written.address.origin)
        if proxy is not None:
            return await (await self._through(proxy, written, paid)).send(written, seconds, may_go)
        return await self._opened_engine().send(written, seconds, fresh=paid, may_go=may_go)

    async def connect(self, url: str, seconds: float) -> str:
        """Opens a connection to an address, or to the proxy that leads there, and closes it; returns which it was.

        Raises NotSent. What stands in for the network takes every connection.
        """
        address = parse_address(url)
        if address is None:
            raise NotSent("that is no address")
        proxy = self._proxies.proxy_for(address.origin)
        way = parse_address(proxy) if proxy is not None else address
        if way is None:
            raise NotSent(f"{address.origin}: a connection to its proxy cannot be tried")
        if self._stand_in is None:
            await self._opened_engine().connect(way.origin, seconds)
        return str(way.origin) if proxy is None else f"the proxy {way.origin}"

    def _opened_engine(self) -> Engine:
        if self._engine is None:
            self._engine = Engine(self._authorities, max_answer=self._max_answer)
        return self._engine

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._engine is not None:
            await self._engine.aclose()
        await self._authorities.aclose()
        for calls in (self._stand_in, *self._library.values()):
            if calls is not None:
                await calls.aclose()

    async def _through(self, proxy: str, written: WrittenCall, paid: bool) -> LibraryCalls:
        """Raises NotSent."""
        from handlers.http.library import through  # noqa: PLC0415  # loads httpx: only who has a proxy pays for it

        try:
            verify = await self._authorities.context()
        except OSError as wrong:
            raise NotSent(f"{written.address.origin}: no authorities ({wrong.strerror})") from None
        known = self._library.get((proxy, paid))
        if known is None:
            known = _library_calls(through(proxy, verify, 0 if paid else KEPT_ALIVE), self._max_answer)
            self._library[proxy, paid] = known
        return known


def _library_calls(transport: LibraryTransport, max_answer: int) -> LibraryCalls:
    from handlers.http.library import LibraryCalls  # noqa: PLC0415  # the same

    return LibraryCalls(transport, max_answer=max_answer)
