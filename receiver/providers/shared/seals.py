"""What a request's headers prove, in the ways that several vendors share."""

from __future__ import annotations

import re
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
#: A time from this number on is in ms: as seconds it would be after the year 5000.
FIRST_MS: Final = 100_000_000_000


def secret_seal(request: Request, source: Source, header: str = ECHO_HEADER, prefix: str = "") -> Seal:
    """A header (after `prefix`) against the source's secrets. Sent twice with different values it matches none.

    Where the operator configured no secret the header proves nothing, neither good nor bad.
    """
    given = request.headers.get(header)
    if given is None or not source.secrets:
        return "absent"
    return "valid" if matches(header_bytes(given.removeprefix(prefix)), source.secrets) else "wrong"


def time_seal(given: str | None, now: int, tolerance: float) -> Seal:
    """Whether a signed time (text, Unix seconds or ms) is within `tolerance` seconds of `now` (Unix ms)."""
    if given is None or not _UNIX_TIME.fullmatch(given.strip()):
        return "wrong"
    value = float(given)
    at = value if value >= FIRST_MS else value * 1000
    if abs(now - at) <= tolerance * 1000:
        return "valid"
    return "too_old" if at < now else "too_new"


def header_bytes(text: str) -> bytes:
    """Text as bytes, whatever it holds; empty for text that can have come from no bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""
