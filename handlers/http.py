"""HTTP to the outside: the only module that knows the HTTP library and its exceptions."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import sys
from collections.abc import AsyncIterable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import certifi

from receiver.contracts import Answer, Call
from receiver.contracts.options import WHOLE_URL
from receiver.errors import (
    NoAnswer,
    NotSent,
    OptionError,
    TransportError,
)
from receiver.lib.backoff import retry_after
from receiver.lib.light_imports import without
from receiver.lib.signatures import Secret
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    Outcome,
)

# The library loads them for a command line of its own: 35 ms.
with without("click", "rich"):
    import httpx

#: Bytes of an answer's body that are read at most.
MAX_ANSWER: Final = 10 * 1024 * 1024
#: Seconds that opening a connection may take of a call's time.
MAX_CONNECT: Final = 10.0
MAX_CONNECTIONS: Final = 100
KEPT_ALIVE: Final = 20
MAX_PORT: Final = 65_535
#: Characters of an answer that a note may quote, and the bytes they are looked for in.
MAX_QUOTE: Final = 200
MAX_QUOTED_FROM: Final = 64 * 1024
#: Of the 4xx, those that may pass: timeout, too early, too many.
TRY_LATER: Final = frozenset({408, 425, 429})
#: A piece of an address from this length on is taken for a key.
KEY_LENGTH: Final = 16
#: How many addresses are kept parsed.
KNOWN_URLS: Final = 256
#: What no header may hold.
CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
#: What we say for ourselves unless the call says otherwise; "identity" because answers are small.
DEFAULT_HEADERS: Final = {"user-agent": "gridhook", "accept-encoding": "identity"}
#: httpcore's trace event for an open TCP connection; `return_value` is its stream.
CONNECTED: Final = "connection.connect_tcp.complete"
#: How the event ends that comes right before a request's first byte, whatever the HTTP version.
FIRST_BYTE: Final = ".send_request_headers.started"

#: What each of the library's exceptions says of the call's fate (a subclass without a row of its own has its parent's).
FATES: Final[dict[type[Exception], tuple[type[TransportError], str]]] = {
    # DNS, refused, TLS: the request's first byte follows a finished connection.
    httpx.ConnectError: (NotSent, "no connection"),
    # The same: TCP or TLS was not finished in time.
    httpx.ConnectTimeout: (NotSent, "no connection in time"),
    # It waited for a place among our own connections and got none.
    httpx.PoolTimeout: (NotSent, "no free connection in time"),
    # Found before anything is opened.
    httpx.UnsupportedProtocol: (NotSent, "not an http:// or https:// address"),
    httpx.InvalidURL: (NotSent, "not an address that can be called"),
    # The tunnel was not opened, so nothing went through it. (No proxy is ever configured: trust_env is off.)
    httpx.ProxyError: (NotSent, "the proxy opened no connection"),
    # The request is out, or part of it; the other side may act upon what it has.
    httpx.ReadTimeout: (NoAnswer, "no answer in time"),
    httpx.WriteTimeout: (NoAnswer, "the request was not taken in time"),
    httpx.ReadError: (NoAnswer, "the connection broke before the answer was complete"),
    httpx.WriteError: (NoAnswer, "the connection broke while the request was sent"),
    httpx.CloseError: (NoAnswer, "the connection did not close cleanly"),
    # It answered, or hung up, but not in HTTP: what it did with the request is not known.
    httpx.RemoteProtocolError: (NoAnswer, "the answer is not complete HTTP"),
    # Our side of the conversation went wrong; how much of it was out by then is not told.
    httpx.LocalProtocolError: (NoAnswer, "the request could not be spoken as HTTP"),
    # There was an answer that cannot be read.
    httpx.DecodingError: (NoAnswer, "the answer's content-encoding cannot be undone"),
    # All others: the careful side, because nothing proves that it was not sent.
    httpx.HTTPError: (NoAnswer, "the call failed"),
    httpx.StreamError: (NoAnswer, "the answer could not be read"),
}


class HttpTransport:
    """Carries calls out over HTTP/1.1: a `receiver.contracts.Transport`.

    Beneath the library's client on purpose: the client keeps cookies, follows redirects and logs whole URLs.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, *, max_answer: int = MAX_ANSWER) -> None:
        """`transport` replaces the network in tests; `max_answer` is the most bytes of a body that are read."""
        self._traced = transport is None
        self._max_answer = max_answer
        self._verify = _trusting_nobody()
        self._loading: asyncio.Future[None] | None = None
        self._shared = transport or _network(self._verify, KEPT_ALIVE)
        self._fresh = transport or _network(self._verify, 0)

    async def send(self, call: Call, seconds: float, *, paid: bool = False) -> Answer:
        """The answer to a call within so many seconds, connecting and reading the body included.

        Raises NotSent if nothing can have reached the other side, NoAnswer if it may have (an answer beyond
        `max_answer` included). Messages name scheme, host and port, and nothing else of the call.
        """
        request = _request(call, seconds)
        progress = _Progress(sent=not self._traced)
        request.extensions["trace"] = progress.trace
        try:
            async with asyncio.timeout(seconds):
                if request.url.scheme == "https" and self._traced:
                    await self._trust()
                return await self._answer(self._fresh if paid else self._shared, request)
        except TransportError:
            raise
        except Exception as wrong:  # noqa: BLE001 - whatever it is, the caller must learn whether the call is out
            # "from None": the library's own messages and records may hold the whole URL.
            raise _translated(wrong, _place(request.url), progress.sent) from None
        finally:
            await progress.release()

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._shared.aclose()
        await self._fresh.aclose()

    async def _trust(self) -> None:
        """Has the authorities loaded, once: 30 ms and 2 MB, so not before they are needed and beside the event loop."""
        if self._loading is None:
            load = asyncio.to_thread(self._verify.load_verify_locations, certifi.where())
            self._loading = asyncio.ensure_future(load)
        await asyncio.shield(self._loading)

    async def _answer(self, network: httpx.AsyncBaseTransport, request: httpx.Request) -> Answer:
        response = await network.handle_async_request(request)
        try:
            body = bytearray()
            # Past what undoes encodings, if there is none: it is a tenth of a call.
            chunks = response.aiter_bytes() if "content-encoding" in response.headers else _raw(response)
            async for chunk in chunks:
                body += chunk
                if len(body) > self._max_answer:
                    raise NoAnswer(f"{_place(request.url)}: the answer is longer than {self._max_answer} bytes")
        finally:
            await response.aclose()
        return Answer(status=response.status_code, headers=dict(response.headers.items()), body=bytes(body))


class _Progress:
    """How far a call has come. Without a trace (in tests) that is never known, so it may be out."""

    def __init__(self, *, sent: bool) -> None:
        self.sent = sent
        self._opened: Any = None

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each step of a call."""
        if name == CONNECTED:
            self._opened = info["return_value"]
        if name.endswith(FIRST_BYTE):
            self.sent = True

    async def release(self) -> None:
        """Closes a connection that was opened and not used: httpcore leaves it open if a TLS handshake is cut short."""
        if self._opened is not None and not self.sent:
            await self._opened.aclose()


def _trusting_nobody() -> ssl.SSLContext:
    """What `ssl.create_default_context` makes, before it loads the authorities."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    return context


def _network(verify: ssl.SSLContext, kept_alive: int) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=kept_alive)
    return httpx.AsyncHTTPTransport(verify=verify, trust_env=False, retries=0, limits=limits)


def _request(call: Call, seconds: float) -> httpx.Request:
    """The library's form of a call. Raises NotSent for what can never be sent."""
    url = _parsed(call.url)
    if url is None:
        raise NotSent("not an http:// or https:// address with a host")
    try:
        given = {name.lower(): value for name, value in call.headers.items()}
        headers = httpx.Headers({**DEFAULT_HEADERS, **given})
    except (ValueError, TypeError):
        raise NotSent(f"{_place(url)}: a header holds what is not ASCII") from None
    # Checked here because the library finds it only after it has begun to send.
    if CONTROL.search(b"".join(name + value for name, value in headers.raw)):
        raise NotSent(f"{_place(url)}: a header holds a control character; look for a line break in a key")
    timeout = {"connect": min(seconds, MAX_CONNECT), "read": seconds, "write": seconds, "pool": seconds}
    request = httpx.Request(call.method, url, headers=headers, content=call.body, extensions={"timeout": timeout})
    if url.userinfo and "authorization" not in request.headers:
        next(httpx.BasicAuth(url.username, url.password).auth_flow(request))
    return request


def _raw(response: httpx.Response) -> AsyncIterable[bytes]:
    """The body as it comes."""
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("the answer's body cannot be read piece by piece")
    return stream


@lru_cache(KNOWN_URLS)
def _parsed(text: str) -> httpx.URL | None:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return None
    usable = url.scheme in ("http", "https") and url.host and 0 < (url.port or 80) <= MAX_PORT
    return url if usable else None


def _place(url: httpx.URL) -> str:
    """Scheme, host and port: what of an address may be shown. Paths, queries and user names hold keys."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"


def _translated(wrong: Exception, place: str, sent: bool) -> TransportError:
    for kind in type(wrong).__mro__:
        if kind in FATES:
            fate, words = FATES[kind]
            # Why there is no connection is the system's word (refused, unknown name, bad certificate), not the call's.
            why = f" ({quote(str(wrong).encode(errors='replace'))})" if fate is NotSent and str(wrong) else ""
            return fate(f"{place}: {words}{why}")
    words = "time ran out" if isinstance(wrong, TimeoutError) else type(wrong).__name__
    if sent:
        return NoAnswer(f"{place}: no complete answer: {words}")
    return NotSent(f"{place}: not sent: {words}")


# --- what sinks share ------------------------------------------------------------------------------------------------


def usable_url(key: str, url: Secret | str) -> str:
    """The text of an address that can be called. Raises OptionError, which names the configuration key only."""
    text = url if isinstance(url, str) else url.reveal()
    if _parsed(text) is None:
        raise OptionError(key, "is not an http:// or https:// address with a host", WHOLE_URL)
    return text


def keys_in(url: str) -> tuple[Secret, ...]:
    """What of an address must not be repeated when an answer is quoted: user, password, path, query, long pieces."""
    parsed = _parsed(url)
    if parsed is None:
        return ()
    target = parsed.raw_path.decode("ascii", "replace")
    long_pieces = [piece for piece in re.split(r"[/?&=;]", target) if len(piece) >= KEY_LENGTH]
    found = [url, parsed.password, base64.b64encode(parsed.userinfo).decode(), target, parsed.path, *long_pieces]
    return tuple(Secret(text) for text in found if len(text) > 1)


def quote(body: bytes, hide: Iterable[Secret] = ()) -> str:
    """The beginning of an answer as one plain line of at most 200 characters, with `hide` struck out."""
    text = body[:MAX_QUOTED_FROM].decode("utf-8", "replace").replace("\\/", "/")
    for key in sorted((secret.reveal() for secret in hide), key=len, reverse=True):
        text = text.replace(key, "***") if key else text
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_QUOTE else line[: MAX_QUOTE - 1] + "…"


def outcome_of(answer: Answer, now: int, hide: Iterable[Secret] = ()) -> Outcome:
    """What an answer to a delivery means. `now` is Unix ms; `hide` is struck out of what the note quotes.

    2xx done. 408, 425, 429 and 5xx: later, when Retry-After says so. Everything else dead: it would be the same again.
    """
    status = answer.status
    said = quote(answer.body, hide)
    note = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    match status // 100:
        case 2:
            return Delivered(status=status)
        case 3:
            return Dead(note=f"HTTP {status}: redirects are not followed; configure the final address", status=status)
        case 4 if status not in TRY_LATER:
            return Dead(note=note, status=status)
        case 4 | 5:
            return Again(note=note, status=status, after=retry_after(answer.headers.get("retry-after"), now))
        case _:
            return Dead(note=note, status=status)
