"""How a vendor that is described in TOML proves that a webhook is its own: `[sources.NAME.verify]`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Any, Final, Literal, NamedTuple

from receiver.contracts import Request, Seal, Source
from receiver.contracts.options import check_url
from receiver.errors import InvalidParams, NotJson, OptionError
from receiver.lib.ed25519 import KEY_LENGTH, signature_is_valid
from receiver.lib.strict_json import read_json
from receiver.providers.generic.options import Verify
from receiver.providers.shared.paths import PATH_REMEDY, Path
from receiver.providers.shared.seals import header_bytes, secret_seal, time_seal, without_prefix

#: A header's name (RFC 9110).
NAME: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
FIELD: Final = r"[A-Za-z0-9_-]{1,40}"
_HEADER: Final = re.compile(NAME)
_PART: Final = re.compile(r"\{(body:sha256|body|header:" + NAME + r"|field:" + FIELD + r"|json:[^{}]+)\}")
_TIMESTAMP: Final = re.compile(r"header:" + NAME + r"|field:" + FIELD)
HEADER_REMEDY: Final = "write one like x-signature"
SIGNED_REMEDY: Final = (
    "write text with {body}, {body:sha256}, {header:NAME}, {json:PATH} or {field:t}, such as "
    '"{header:x-timestamp}.{body}"'
)
#: So many signatures are looked at in one header.
MOST_SIGNATURES: Final = 16
DIGESTS: Final[dict[str, str]] = {
    "standard-webhooks": "sha256",
    "hmac-sha256": "sha256",
    "hmac-sha512": "sha512",
    "hmac-sha1": "sha1",
}
Encoding = Literal["hex", "base64"]


class SignedPart(NamedTuple):
    """Text of what is signed, and what follows it."""

    text: bytes
    #: "body", "body:sha256", "header", "field", "json", or "" for nothing.
    kind: str
    #: The header's or field's name, or the JSON's path as text.
    name: str = ""
    path: Path | None = None


class SealReader:
    """Verifies webhooks by a header: a secret that is echoed, an HMAC, or an Ed25519 signature."""

    def __init__(self, verify: Verify, found: list[OptionError]) -> None:
        """Adds to `found` what cannot be meant."""
        self._verify = verify = whole(verify)
        #: The header that holds the secret or the signature.
        self.header = verify.header.lower()
        self.seals: Literal["secret", "signature"] = "secret" if verify.scheme == "secret" else "signature"
        if not _HEADER.fullmatch(self.header):
            found.append(OptionError("verify.header", f"{verify.header!r} is no header's name", HEADER_REMEDY))
        if verify.keys_url:
            found += _keys_url_mistakes(verify)
        self._signed = _parts_of(verify.signed, found)
        self._time = _time_of(verify, self._signed, found)
        if not verify.fields and any(part.kind == "field" for part in self._signed):
            found.append(OptionError("verify.fields", "is missing: the header has no fields", 'write fields = ","'))

    def seal(self, request: Request, source: Source) -> Seal:
        """What the header proves; of a signature that is right, whether its time is near enough."""
        verify = self._verify
        if verify.scheme == "secret":
            return secret_seal(request, source, self.header, verify.prefix)
        given = request.headers.get(self.header)
        if given is None or not source.must_verify:
            return "absent"
        fields = _fields_of(given, verify)
        message = self._message(request, fields)
        # An empty key is everybody's.
        keys = [key for secret in source.secrets for key in _keys_of(secret.reveal(), verify) if key]
        keys += source.public_keys.keys if source.public_keys is not None else ()
        if message is None or not _fits(_signatures(given, fields, verify), keys, message, verify):
            return "wrong"
        if self._time is None:
            return "valid"
        place, name = self._time
        told = request.headers.get(name) if place == "header" else next(iter(fields.get(name, [])), None)
        return time_seal(told, request.received_at, verify.tolerance)

    def _message(self, request: Request, fields: dict[str, list[str]]) -> bytes | None:
        """What was signed, if this is right; None where a part of it is missing."""
        pieces: list[bytes] = []
        for part in self._signed:
            piece = _piece(part, request, fields)
            if piece is None:
                return None
            pieces += [part.text, piece]
        return b"".join(pieces)


def whole(verify: Verify) -> Verify:
    """The description with what its scheme says: Standard Webhooks fixes everything, the old names their encoding."""
    if verify.scheme == "standard-webhooks":
        return Verify(
            header=verify.header or "webhook-signature",
            scheme="standard-webhooks",
            encoding="base64",
            prefix="v1,",
            separator=" ",
            signed="{header:webhook-id}.{header:webhook-timestamp}.{body}",
            timestamp="header:webhook-timestamp",
            tolerance=verify.tolerance,
            key_prefix="whsec_",
        )
    changes: dict[str, Any] = {"header": verify.header or "x-webhook-secret"}
    if verify.scheme in ("hmac-sha256-hex", "hmac-sha256-base64"):
        changes |= {"scheme": "hmac-sha256", "encoding": verify.scheme.rpartition("-")[2]}
    return Verify(**{name: getattr(verify, name) for name in verify.__struct_fields__} | changes)


def _keys_url_mistakes(verify: Verify) -> list[OptionError]:
    found: list[OptionError] = []
    if verify.scheme != "ed25519":
        remedy = 'write scheme = "ed25519", or put the secret into secrets'
        found.append(OptionError("verify.keys_url", f"is for ed25519, not for {verify.scheme}", remedy))
    try:
        check_url(verify.keys_url)
    except OptionError as wrong:
        found.append(OptionError("verify.keys_url", wrong.wrong, wrong.remedy))
    return found


def _piece(part: SignedPart, request: Request, fields: dict[str, list[str]]) -> bytes | None:
    if part.kind == "body":
        return request.body
    if part.kind == "body:sha256":
        return hashlib.sha256(request.body).hexdigest().encode()
    if part.kind == "header":
        text = request.headers.get(part.name)
        return None if text is None else header_bytes(text)
    if part.kind == "field":
        told = fields.get(part.name)
        return header_bytes(told[0]) if told else None
    return _json_piece(part, request.body) if part.path is not None else b""


def _json_piece(part: SignedPart, body: bytes) -> bytes | None:
    """A text or number of the body: some vendors sign no more of it."""
    try:
        value = read_json(body)
    except NotJson:
        return None
    found = next(iter(part.path.found(value) if part.path else []), None)
    return header_bytes(str(found)) if type(found) in (str, int) else None


def _fields_of(given: str, verify: Verify) -> dict[str, list[str]]:
    """`t=..,v1=..,v1=..` by name, each with all that it has."""
    fields: dict[str, list[str]] = {}
    if verify.fields:
        for field in given.split(verify.fields, MOST_SIGNATURES):
            name, _, text = field.strip().partition("=")
            fields.setdefault(name, []).append(text.strip())
    return fields


def _signatures(given: str, fields: dict[str, list[str]], verify: Verify) -> list[bytes]:
    """The signatures of a header, decoded; what is none is left out."""
    if verify.fields:
        texts = fields.get(verify.signature, [])
    elif verify.separator:
        told = given.split(verify.separator, MOST_SIGNATURES)
        texts = [text for text in told if text.strip().startswith(verify.prefix)]
    else:
        texts = [given]
    digest = f"{DIGESTS.get(verify.scheme, '')}="
    plain = (without_prefix(without_prefix(text.strip(), verify.prefix), digest) for text in texts)
    return [signature for text in plain if (signature := _decoded(text, verify.encoding))]


def _fits(signatures: list[bytes], keys: list[bytes], message: bytes, verify: Verify) -> bool:
    """Whether one of the signatures is right under one of the keys; of HMACs all are compared, in constant time."""
    if verify.scheme == "ed25519":
        return any(signature_is_valid(key, signature, message) for key in keys for signature in signatures)
    wanted = [hmac.digest(key, message, DIGESTS[verify.scheme]) for key in keys]
    found = False
    for mac in wanted:
        for signature in signatures:
            found |= hmac.compare_digest(mac, signature)
    return found


def _keys_of(secret: str, verify: Verify) -> list[bytes]:
    """The keys that a secret may mean. Senders of Standard Webhooks read theirs in two ways: decoded, or as text."""
    text = secret.removeprefix(verify.key_prefix)
    if verify.scheme == "standard-webhooks":
        decoded = _decoded(text, "base64")
        return [decoded, header_bytes(text), header_bytes(secret)] if decoded else [header_bytes(text)]
    if verify.scheme == "ed25519" and verify.key == "text":
        # A public key is bytes, and how it is written shows.
        both = (_decoded(text, "hex"), _decoded(text, "base64"))
        return [key for key in both if key is not None and len(key) == KEY_LENGTH]
    if verify.key == "text":
        return [header_bytes(text)]
    decoded = _decoded(text, verify.key)
    return [decoded] if decoded else []


def _decoded(text: str, encoding: Encoding) -> bytes | None:
    """The bytes of hexadecimal or base64 (either alphabet, with or without padding); None for what is neither."""
    try:
        if encoding == "hex":
            return bytes.fromhex(text)
        plain = text.replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None


def _parts_of(signed: str, found: list[OptionError]) -> list[SignedPart]:
    """Each text with what follows it."""
    parts: list[SignedPart] = []
    at = 0
    for known in _PART.finditer(signed):
        kind, _, name = known[1].partition(":")
        text = signed[at : known.start()].encode()
        at = known.end()
        if kind == "body":
            parts.append(SignedPart(text, known[1]))
        elif kind == "json":
            try:
                parts.append(SignedPart(text, kind, name, Path(name)))
            except InvalidParams as wrong:
                found.append(OptionError("verify.signed", str(wrong), PATH_REMEDY))
        else:
            parts.append(SignedPart(text, kind, name.lower() if kind == "header" else name))
    rest = signed[at:]
    parts.append(SignedPart(rest.encode(), ""))
    if not any(part.kind.startswith(("body", "json")) for part in parts):
        found.append(OptionError("verify.signed", "does not cover the body", SIGNED_REMEDY))
    if any(sign in part.text for part in parts for sign in (b"{", b"}")):
        found.append(OptionError("verify.signed", f"{signed[:60]!r} has a part that is not known", SIGNED_REMEDY))
    return parts


def _time_of(verify: Verify, signed: list[SignedPart], found: list[OptionError]) -> tuple[str, str] | None:
    """Where the time of the signature stands: in a header or a field, of which name."""
    if not verify.timestamp:
        return None
    if not _TIMESTAMP.fullmatch(verify.timestamp):
        wrong = f"{verify.timestamp[:60]!r} is no place of a time"
        remedy = 'write "header:NAME" or "field:NAME", such as "header:x-timestamp"'
        found.append(OptionError("verify.timestamp", wrong, remedy))
        return None
    place, _, name = verify.timestamp.partition(":")
    name = name.lower() if place == "header" else name
    if verify.scheme == "secret" or (place, name) not in {(part.kind, part.name) for part in signed}:
        wrong = "is not covered by the signature, so anybody could write another time"
        found.append(OptionError("verify.timestamp", wrong, f"name it in verify.signed: {{{place}:{name}}}"))
    return place, name
