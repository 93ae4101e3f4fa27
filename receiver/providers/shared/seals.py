"""What a request's headers prove, in the ways that several vendors share."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from receiver.contracts import (
    Request,
    Seal,
    Source,
)
from receiver.lib.signatures import matches

#: Where vendors echo the secret that they were given with the order.
ECHO_HEADER: Final = "x-webhook-secret"
_UNIX_TIME: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
#: A time from this number on is in ms: as seconds it would be after the year 5000.
FIRST_MS: Final = 100_000_000_000


def secret_seal(request: Request, source: Source, header: str = ECHO_HEADER, prefix: str = "") -> Seal:
    """A header (after `prefix`) against the source's secrets. Sent twice with different values it matches none.

    Where the operator configured no secret the header proves nothing, neither good nor bad.
    """
    given = request.headers.get(header)
    if given is None or not source.secrets:
        return "absent"
    return "valid" if matches(header_bytes(without_prefix(given, prefix)), source.secrets) else "wrong"


def without_prefix(given: str, prefix: str) -> str:
    """A header's text without what stands before it, in capitals or small letters (`Bearer`, `sha256=`)."""
    return given[len(prefix) :] if given[: len(prefix)].lower() == prefix.lower() else given


def time_seal(given: str | None, now: int, tolerance: float) -> Seal:
    """Whether a signed time (Unix seconds or ms, or RFC 3339) is within `tolerance` seconds of `now` (Unix ms)."""
    at = _time_ms(given.strip()) if given is not None else None
    if at is None:
        return "wrong"
    if abs(now - at) <= tolerance * 1000:
        return "valid"
    return "too_old" if at < now else "too_new"


def _time_ms(text: str) -> float | None:
    """A time in Unix ms; None for what is none, and for one that does not say its zone."""
    if _UNIX_TIME.fullmatch(text):
        value = float(text)
        return value if value >= FIRST_MS else value * 1000
    if not _DATE_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp() * 1000
    except (ValueError, OverflowError):
        return None


def header_bytes(text: str) -> bytes:
    """Text as bytes, whatever it holds; empty for text that can have come from no bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""
