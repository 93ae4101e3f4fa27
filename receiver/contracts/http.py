"""HTTP calls that go out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

import msgspec

from receiver.lib.signatures import Secret


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to make, as data. Its `repr` shows where it goes and nothing else: the rest may hold keys."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    url: str
    headers: dict[str, str] = {}
    body: bytes | None = None

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


class Transport(Protocol):
    """Carries calls out."""

    async def send(self, call: Call, seconds: float, *, paid: bool = False) -> Answer:
        """The answer to a call within so many seconds, redirects not followed.

        `paid` calls are sent once, on a connection of their own. Other calls are sent a second time if they went out
        on a kept connection that the other side closed at that moment, without a byte of an answer.
        Raises NotSent if nothing of it can have reached the other side, NoAnswer if it may have.
        """
        ...
