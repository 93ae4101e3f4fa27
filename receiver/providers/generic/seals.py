"""How a vendor that is described in TOML proves that a webhook is its own: `[sources.NAME.verify]`."""

from __future__ import annotations

import re
from typing import Final, Literal

from receiver.contracts import Request, Seal, Source
from receiver.errors import OptionError
from receiver.providers.generic.options import Verify
from receiver.providers.shared.seals import header_bytes, hmac_seal, secret_seal, time_seal

#: A header's name (RFC 9110).
NAME: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
_HEADER: Final = re.compile(NAME)
_PART: Final = re.compile(r"\{(body|header:(" + NAME + r"))\}")
_TIMESTAMP: Final = re.compile(r"header:(" + NAME + r")")
HEADER_REMEDY: Final = "write one like x-signature"
SIGNED_REMEDY: Final = 'write text with {body} and {header:NAME}, such as "{header:x-timestamp}.{body}"'


class SealReader:
    """Verifies webhooks by a header: a secret that is echoed, or an HMAC-SHA256."""

    def __init__(self, verify: Verify, found: list[OptionError]) -> None:
        """Adds to `found` what cannot be meant."""
        self._verify = verify
        self._header = verify.header.lower()
        self.seals: Literal["secret", "signature"] = "secret" if verify.scheme == "secret" else "signature"
        if not _HEADER.fullmatch(self._header):
            found.append(OptionError("verify.header", f"{verify.header!r} is no header's name", HEADER_REMEDY))
        #: Text, and the names of headers (None = the body), in turn.
        self._signed = _parts_of(verify.signed, found)
        self._time = _time_of(verify, [name for _, name in self._signed], found)

    def seal(self, request: Request, source: Source) -> Seal:
        """What the header proves; of a signature that is right, whether its time is near enough."""
        verify = self._verify
        if verify.scheme == "secret":
            return secret_seal(request, source, self._header, verify.prefix)
        encoding: Literal["hex", "base64"] = "hex" if verify.scheme == "hmac-sha256-hex" else "base64"
        seal = hmac_seal(request, source, self._header, verify.prefix, encoding, self._message(request))
        if seal != "valid" or self._time is None:
            return seal
        return time_seal(request.headers.get(self._time), request.received_at, verify.tolerance)

    def _message(self, request: Request) -> bytes:
        pieces = [
            text + (request.body if name is None else header_bytes(request.headers.get(name, "")) if name else b"")
            for text, name in self._signed
        ]
        return b"".join(pieces)


def _parts_of(signed: str, found: list[OptionError]) -> list[tuple[bytes, str | None]]:
    """Each text with what follows it: a header's name, None for the body, "" for nothing."""
    parts: list[tuple[bytes, str | None]] = []
    at = 0
    for part in _PART.finditer(signed):
        parts.append((signed[at : part.start()].encode(), part[2].lower() if part[2] else None))
        at = part.end()
    rest = signed[at:]
    parts.append((rest.encode(), ""))
    if not any(name is None for _, name in parts):
        found.append(OptionError("verify.signed", "does not cover the body", SIGNED_REMEDY))
    if any(sign in text for text in (rest, *(text.decode() for text, _ in parts)) for sign in "{}"):
        found.append(OptionError("verify.signed", f"{signed[:60]!r} has a part that is not known", SIGNED_REMEDY))
    return parts


def _time_of(verify: Verify, signed: list[str | None], found: list[OptionError]) -> str | None:
    """The name of the header that tells when it was signed."""
    if not verify.timestamp:
        return None
    known = _TIMESTAMP.fullmatch(verify.timestamp)
    if known is None:
        wrong = f"{verify.timestamp[:60]!r} is no place of a time"
        found.append(OptionError("verify.timestamp", wrong, 'write "header:NAME", such as "header:x-timestamp"'))
        return None
    name = known[1].lower()
    if verify.scheme == "secret" or name not in signed:
        wrong = "is not covered by the signature, so anybody could write another time"
        found.append(OptionError("verify.timestamp", wrong, f"name it in verify.signed: {{header:{name}}}"))
    return name
