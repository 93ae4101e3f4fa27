"""HTTP calls that go out."""

from __future__ import annotations

from typing import Literal, Protocol
from urllib.parse import urlsplit

import msgspec


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to make, as data. Its `repr` shows where it goes and nothing else: the rest may hold keys."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
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


class Transport(Protocol):
    """Carries calls out."""

    async def send(self, call: Call, seconds: float, *, paid: bool = False) -> Answer:
        """The answer to a call within so many seconds, redirects not followed, nothing retried.

        `paid` calls get a connection of their own, so that no stale one makes their fate unknown.
        Raises NotSent if nothing can have reached the other side, NoAnswer if it may have.
        """
        ...
