"""Requests that came in, and how they proved to be genuine."""

from __future__ import annotations

from typing import Literal

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
    #: When it came, Unix ms, by the clock of that moment; its number's time, as long as it is not kept.
    received_at: int | None = None
