"""The guarded client: fetches what foreign addresses lead to, and never from where a foreign address must not lead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from handlers.http.foreign_names import ForeignNames
from receiver.contracts import Answer, Call, Transport
from receiver.errors import AnswerTooLong, ForeignRefused, NoAnswer, NotSent
from receiver.lib.addresses.foreign_addresses import networks, why_closed

#: Redirects that are followed.
MAX_REDIRECTS: Final = 3
#: Letters that an address may have.
LONGEST_URL: Final = 8192
#: How many of a name's addresses are tried.
MAX_ADDRESSES: Final = 4
#: Nothing that says who asks, and no encoding that would have to be undone.
HEADERS: Final = {"accept": "image/*", "accept-encoding": "identity", "user-agent": "gridhook"}
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: Of the statuses from 400 on, those that may pass.
PASSING: Final = frozenset({408, 425, 429})
#: The addresses of a host and port, as text; raises OSError.
LookUp = Callable[[str, int], Awaitable[Sequence[str]]]


class GuardedClient:
    """A `receiver.contracts.ForeignClient`.

    Each address, and each that a redirect names, is looked up once, judged by all that the look-up returns, and
    connected to by number: what the name leads to a moment later does not matter.
    """

    def __init__(self, transport: Transport, allowed: Sequence[str] = (), look_up: LookUp | None = None) -> None:
        """`allowed` are networks that may be reached though they are not public. `look_up` None: the system's."""
        self._transport = transport
        self._allowed = networks(allowed)
        self._look_up = look_up or ForeignNames().look_up

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        """The answer with status 200 that an address leads to, over at most three redirects.

        `seconds` is for all of it. Raises ForeignRefused for what is not fetched or not taken, and TransportError for
        what may pass (no connection, no answer, 429, 5xx).
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(url, seconds, max_bytes)
        except TimeoutError:
            raise NoAnswer(f"no whole answer within {seconds:g} s") from None

    async def _follow(self, url: str, seconds: float, max_bytes: int) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._ask(url, seconds, max_bytes)
            if answer.status not in REDIRECTS:
                return _taken(answer, url)
            url = _redirected(url, answer)
        raise ForeignRefused("redirects", f"more than {MAX_REDIRECTS} redirects")

    async def _ask(self, url: str, seconds: float, max_bytes: int) -> Answer:
        parts, port = _judged(url)
        host = parts.hostname or ""
        pinned = await self._addresses(host, port)
        call = Call(
            method="GET", url=parts._replace(fragment="").geturl(), headers=HEADERS, pinned=pinned, max_answer=max_bytes
        )
        try:
            return await self._transport.send(call, seconds)
        except AnswerTooLong:
            raise ForeignRefused("too_long", f"{host}: the answer is longer than {max_bytes} bytes") from None

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Where a name leads, if all of that may be reached. Raises ForeignRefused, or NotSent for a name unknown."""
        try:
            found = await self._look_up(host, port)
        except OSError as wrong:
            raise NotSent(f"{host}: its address is not known ({wrong.strerror or wrong})") from None
        for address in found:
            closed = why_closed(address, self._allowed)
            if closed is not None:
                raise ForeignRefused("address", f"{host} leads to {address} ({closed})")
        if not found:
            raise NotSent(f"{host}: it has no address")
        return tuple(found[:MAX_ADDRESSES])


def _judged(url: str) -> tuple[SplitResult, int]:
    """A foreign address, taken apart, and its port. Raises ForeignRefused."""
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise ForeignRefused("scheme", "it is too long for an address, or holds characters that no address has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ForeignRefused("scheme", "it is no address: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ForeignRefused("scheme", "it is not an http:// or https:// address with a host")
    if "@" in parts.netloc:
        raise ForeignRefused("credentials", f"{parts.hostname}: there is a user name or password in the address")
    if "%" in parts.netloc:
        raise ForeignRefused("address", "its host has a zone, or is escaped")
    return parts, port or (443 if parts.scheme == "https" else 80)


def _redirected(url: str, answer: Answer) -> str:
    """Where a redirect leads. Raises ForeignRefused if that is nowhere, or gives up TLS."""
    place = answer.headers.get("location", "")
    if not place:
        raise ForeignRefused("redirects", "a redirect that names no place", answer.status)
    try:
        target = urljoin(url, place)
    except ValueError:
        raise ForeignRefused("redirects", "a redirect to what is no address", answer.status) from None
    if url.lower().startswith("https:") and target.lower().startswith("http:"):
        raise ForeignRefused("redirects", "a redirect from https:// to http://", answer.status)
    return target


def _taken(answer: Answer, url: str) -> Answer:
    """An answer that is one. Raises ForeignRefused, or NoAnswer for a status that may pass."""
    host, status = urlsplit(url).hostname, answer.status
    if status in PASSING or status >= 500:
        raise NoAnswer(f"{host}: HTTP {status}")
    if status != 200:
        raise ForeignRefused("status", f"{host}: HTTP {status}", status)
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ForeignRefused("encoded", f"{host}: the answer is encoded though that was not asked for", status)
    return answer
