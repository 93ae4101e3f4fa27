"""Requests that came in, and how they proved to be genuine."""

from __future__ import annotations

from typing import Literal

import msgspec

#: How a request proved that it is genuine. `token` alone does not bind it to a job of ours.
Proof = Literal["secret", "signature", "ref", "token"]
#: What a request's own headers and body prove: a valid secret or signature, none at all, a wrong one, or a valid
#: signature over a time that is too far in the past or in the future.
Seal = Literal["valid", "absent", "wrong", "too_old", "too_new"]
#: Why a request is not verified: no secret header, or another secret; no signature, or another one; a right signature,
#: but signed too long ago or in the future; a ref or token in the path that is not one of ours; or nothing that could
#: prove anything.
Unproven = Literal[
    "no_header",
    "header_differs",
    "signature_missing",
    "signature_differs",
    "too_old",
    "too_new",
    "unknown_ref",
    "no_proof",
]
RequestState = Literal["mapped", "unmapped", "unreadable"]
#: Why else a request was refused: the `code` of its answer.
RefusalCode = Literal[
    "no_such_source",
    "method_not_allowed",
    "too_large",
    "cut_short",
    "too_slow",
    "bad_chunks",
    "bad_request",
    "headers_too_large",
    "busy",
    "stopping",
]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound HTTP request, kept verbatim but for the values of secret headers."""

    source: str
    #: Lower-case name to value; a header sent twice has its values in one text, joined with ", ".
    headers: dict[str, str]
    body: bytes
    #: The ref or token of the path, if there was one.
    path_token: str | None = None
    #: The address that it came from, behind trusted proxies the real one; empty = not known.
    sender: str = ""
    #: Unix ms.
    received_at: int


class RefusedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was refused. Of what it held there are only the names of its headers."""

    #: When it came, Unix ms.
    at: int
    #: None = it named no source that there is.
    source: str | None
    #: An `Unproven`, or a `RefusalCode`.
    reason: str
    #: The address that it came from, behind trusted proxies the real one; empty = not known.
    sender: str
    headers: tuple[str, ...] = ()


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
    #: The address that it came from, behind trusted proxies the real one; empty = not known.
    sender: str = ""
    #: When it came, Unix ms, by the clock of that moment; its number's time, as long as it is not kept.
    received_at: int | None = None
