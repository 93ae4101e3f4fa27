"""What a request's headers prove, in the ways that several vendors share."""

from __future__ import annotations

from typing import Final

from receiver.contracts import Request, Seal, Source
from receiver.signatures import matches

SECRET_HEADER: Final = "x-webhook-secret"


def secret_seal(request: Request, source: Source, header: str = SECRET_HEADER, prefix: str = "") -> Seal:
    """A header (after `prefix`) against the source's secrets. Sent twice with different values it matches none.

    Where the operator configured no secret the header proves nothing, neither good nor bad.
    """
    given = request.headers.get(header)
    if given is None or not source.secrets:
        return "absent"
    return "valid" if matches(header_bytes(given.removeprefix(prefix)), source.secrets) else "wrong"


def header_bytes(text: str) -> bytes:
    """A header's text as bytes, whatever it holds; text that can have come from no bytes gives none."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""


def no_seal(request: Request, source: Source) -> Seal:
    """For vendors that put nothing on their webhooks: a secret header counts if the operator configured secrets."""
    return secret_seal(request, source)
