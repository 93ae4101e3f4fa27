"""What a request's headers prove, in the ways that several vendors share."""

from __future__ import annotations

from typing import Final, Literal

from receiver.contracts import (
    Request,
    Seal,
    Source,
)
from receiver.lib.signatures import (
    base64_signature_matches,
    hex_signature_matches,
    matches,
)

#: Where vendors echo the secret that they were given with the order.
ECHO_HEADER: Final = "x-webhook-secret"


def secret_seal(request: Request, source: Source, header: str = ECHO_HEADER, prefix: str = "") -> Seal:
    """A header (after `prefix`) against the source's secrets. Sent twice with different values it matches none.

    Where the operator configured no secret the header proves nothing, neither good nor bad.
    """
    given = request.headers.get(header)
    if given is None or not source.secrets:
        return "absent"
    return "valid" if matches(header_bytes(given.removeprefix(prefix)), source.secrets) else "wrong"


def hmac_seal(request: Request, source: Source, header: str, prefix: str, encoding: Literal["hex", "base64"]) -> Seal:
    """A header (after `prefix`) as the HMAC-SHA256 of the raw body under one of the source's secrets."""
    given = request.headers.get(header)
    if given is None or not source.secrets:
        return "absent"
    # An empty key is everybody's.
    keys = [key for secret in source.secrets if (key := header_bytes(secret.reveal()))]
    fits = hex_signature_matches if encoding == "hex" else base64_signature_matches
    return "valid" if fits(given.strip().removeprefix(prefix), keys, request.body) else "wrong"


def header_bytes(text: str) -> bytes:
    """Text as bytes, whatever it holds; empty for text that can have come from no bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""
