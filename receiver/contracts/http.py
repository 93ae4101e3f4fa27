"""HTTP, both ways: requests that came in, calls that go out."""

from __future__ import annotations

from typing import Literal, Protocol
from urllib.parse import urlsplit

import msgspec

#: How a request proved that it is genuine. `token` alone does not bind it to a job of ours.
Proof = Literal["secret", "signature", "ref", "token"]
#: What a request's own headers and body prove: a valid secret or signature, none at all, or a wrong one.
Seal = Literal["valid", "absent", "wrong"]
RequestState = Literal["mapped", "unmapped", "unreadable"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound HTTP request, kept verbatim but for the values of secret headers."""

    source: str
    #: Lower-case name to value; a header sent twice has its values in one text, joined with ", ".
    headers: dict[str, str]
    body: bytes
    #: The ref or token of the path, if there was one.
    path_token: str | None = None
    #: Unix ms.
    received_at: int


class KeptRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is kept."""

    number: int
    source: str
    state: RequestState
    proof: Proof
    #: Number of the job that its ref named.
    ref_job: int | None = None
    #: Why it is not mapped.
    note: str | None = None
    headers: dict[str, str]
    body: bytes


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
