"""HTTP calls that go out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

import msgspec

from receiver.lib.signatures import Secret

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to make, as data. Its `repr` shows where it goes and nothing else: the rest may hold keys."""

    method: Method
    url: str
    headers: dict[str, str] = {}
    body: bytes | None = None
    #: The only addresses (as numbers) that are connected to, the first that takes the call, whatever the name in `url`
    #: would lead to; none = those of the name.
    pinned: tuple[str, ...] = ()
    #: Bytes that the body of the answer may have; None = what the transport allows.
    max_answer: int | None = None

    def __repr__(self) -> str:
        place = urlsplit(self.url)
        return f"Call({self.method} {place.scheme}://{place.hostname})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: status, headers (lower-case names), body (bounded)."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


class CallNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """How calls get out: whom they trust, and the proxies on their way."""

    #: Certificates of further authorities (PEM), beside the usual ones.
    ca_file: Path | None = None
    #: Addresses of the proxies for http:// and https:// calls, with user and password if they want some.
    http_proxy: Secret | None = None
    https_proxy: Secret | None = None
    #: What is reached without a proxy, as in `NO_PROXY`: names (with all below them), addresses, networks, `*`.
    no_proxy: tuple[str, ...] = ()
    #: Networks that foreign addresses (pictures) may lead to though they are not public.
    allow: tuple[str, ...] = ()


class Transport(Protocol):
    """Carries calls out."""

    async def send(
        self, call: Call, seconds: float, *, paid: bool = False, may_go: Callable[[], bool] | None = None
    ) -> Answer:
        """The answer to a call within so many seconds, redirects not followed.

        `paid` calls are sent once, on a connection of their own; `may_go` is asked right before their first byte, when
        name, connection and TLS are done: where it says no, nothing goes out, and NotSent is raised. Other calls are
        sent a second time if they went out on a kept connection that the other side closed at that moment, without a
        byte of an answer. Raises NotSent if nothing of it can have reached the other side, NoAnswer if it may have
        (AnswerTooLong if the answer is longer than it may be).
        """
        ...

    async def connect(self, url: str, seconds: float) -> str:
        """Opens a connection (TCP, and TLS for https://) within so many seconds, sends nothing, and closes it.

        Returns the place that took it, as it may be shown; where a proxy leads to `url`, that is the proxy. Raises
        NotSent if there is no connection.
        """
        ...


class ForeignClient(Protocol):
    """Fetches what foreign addresses lead to: those that vendors tell, which nobody here has written."""

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        """The answer with status 200 that an address leads to, over redirects too, within so many seconds.

        Raises ForeignRefused for what is not fetched, or not taken as it is, and TransportError for what may pass.
        """
        ...
