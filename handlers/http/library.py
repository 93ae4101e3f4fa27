"""Calls that httpx carries: through a proxy, or, in tests, through what stands in for the network."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any, Final

from handlers.http.answers import quote
from handlers.http.bodies import BodyReader, BodyTooLong, Unreadable
from handlers.http.requests import TOO_LATE, WrittenCall
from receiver.contracts import Answer
from receiver.errors import AnswerTooLong, NoAnswer, NotSent
from receiver.lib.process.light_imports import without

# The library loads them for a command line of its own: 35 ms.
with without("click", "rich"):
    import httpx

LibraryTransport = httpx.AsyncBaseTransport

#: Seconds that opening a connection may take of a call's time.
MAX_CONNECT_S: Final = 10.0
#: How the event of httpcore's trace ends that comes right before a request's first byte.
FIRST_BYTE: Final = ".send_request_headers.started"
#: What the library raises before a byte of the call is out. All else may come after that.
BEFORE_THE_CALL: Final[tuple[type[Exception], ...]] = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class LibraryCalls:
    """Carries calls out by one of httpx's transports.

    Beneath the library's client on purpose: the client keeps cookies, follows redirects and logs whole URLs.
    """

    def __init__(self, transport: LibraryTransport, *, max_answer: int) -> None:
        self._transport = transport
        self._max_answer = max_answer

    async def send(self, written: WrittenCall, seconds: float, may_go: Callable[[], bool] | None = None) -> Answer:
        """The answer to a call within so many seconds. Raises NotSent, or NoAnswer if a byte may have gone out.

        `may_go` is asked right before its first byte: False stops it.
        """
        progress = _Progress(may_go)
        request = _request(written, seconds, progress)
        place, most = written.address.origin, written.call.max_answer
        try:
            async with asyncio.timeout(seconds):
                progress.ask()
                return await self._answer(request, self._max_answer if most is None else most)
        except BodyTooLong as wrong:
            raise AnswerTooLong(f"{place}: {wrong}") from None
        except NotSent as wrong:
            raise NotSent(f"{place}: {wrong}") from None
        except Unreadable as wrong:
            raise NoAnswer(f"{place}: {wrong}") from None
        except BEFORE_THE_CALL as wrong:
            # Why there is no connection is the system's word, or the proxy's, not the call's.
            why = quote(str(wrong).encode(errors="replace"))
            raise NotSent(f"{place}: no connection ({why})") from None
        except Exception as wrong:  # noqa: BLE001 - whatever it is, the caller must learn whether the call is out
            # "from None": the library's own messages and records may hold the whole URL.
            words = "no answer in time" if isinstance(wrong, TimeoutError) else type(wrong).__name__
            if progress.unsent:
                raise NotSent(f"{place}: not sent: {words}") from None
            raise NoAnswer(f"{place}: no complete answer: {words}") from None

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._transport.aclose()

    async def _answer(self, request: httpx.Request, limit: int) -> Answer:
        response = await self._transport.handle_async_request(request)
        headers = dict(response.headers.items())
        reader = BodyReader(headers.get("content-encoding", ""), limit)
        try:
            async for piece in _raw(response):
                reader.take(piece)
        finally:
            await response.aclose()
        return Answer(status=response.status_code, headers=headers, body=reader.whole())


class _Progress:
    """Whether a call has begun to go out. Where nothing tells of that (in tests) it may have."""

    def __init__(self, may_go: Callable[[], bool] | None) -> None:
        self._may_go = may_go
        self._heard = False
        self._sent = False

    @property
    def unsent(self) -> bool:
        """Whether it certainly has not."""
        return self._heard and not self._sent

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each step of a call."""
        self._heard = True
        # What opens the tunnel through the proxy is not yet the call.
        if name.endswith(FIRST_BYTE) and info["request"].method != b"CONNECT":
            self.ask()
            self._sent = True

    def ask(self) -> None:
        """Raises NotSent if the call may not go out."""
        if self._may_go is not None and not self._may_go():
            raise NotSent(TOO_LATE)


def through(proxy: str, verify: ssl.SSLContext, kept_alive: int) -> LibraryTransport:
    """The library's own transport through a proxy, which keeps so many connections for the next call."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=kept_alive)
    return httpx.AsyncHTTPTransport(verify=verify, trust_env=False, retries=0, limits=limits, proxy=proxy)


def _request(written: WrittenCall, seconds: float, progress: _Progress) -> httpx.Request:
    call = written.call
    timeout = {"connect": min(seconds, MAX_CONNECT_S), "read": seconds, "write": seconds, "pool": seconds}
    extensions: dict[str, Any] = {"timeout": timeout, "trace": progress.trace}
    url, headers = httpx.URL(call.url), written.headers
    if call.pinned:
        # The name stays what it is for TLS and in `Host`; only where the connection leads is another thing.
        extensions["sni_hostname"] = written.address.origin.host
        headers = {"host": written.address.origin.authority, **headers}
        url = url.copy_with(host=call.pinned[0])
    return httpx.Request(call.method, url, headers=headers, content=call.body, extensions=extensions)


def _raw(response: httpx.Response) -> AsyncIterable[bytes]:
    """The body as it comes."""
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("the answer's body cannot be read piece by piece")
    return stream
