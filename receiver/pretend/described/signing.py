"""Proves a pretend webhook in the way that a description says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from receiver.providers.generic.options import Verify
from receiver.providers.generic.seals import DIGESTS, whole
from receiver.providers.shared.paths import Path

_PART: Final = re.compile(r"\{(body:sha256|body|header|field|json)(?::([^{}]*))?\}")


def proof_headers(
    verify: Verify, secret: str, key: Ed25519PrivateKey, job_id: str, body: bytes, value: Any, now_s: int
) -> dict[str, str]:
    """The headers that prove a webhook with this body, whose JSON is `value`.

    `secret` is the one of `secrets` that the receiver has; `key` signs where the scheme is Ed25519.
    """
    verify = whole(verify)
    if verify.scheme == "secret":
        return {verify.header: f"{verify.prefix}{secret}"}
    headers: dict[str, str] = {}
    fields: dict[str, str] = {}

    def piece(found: re.Match[str]) -> str:
        kind, name = found[1], found[2] or ""
        if kind == "body":
            return body.decode("utf-8", "surrogateescape")
        if kind == "body:sha256":
            return hashlib.sha256(body).hexdigest()
        if kind == "json":
            return str(next(iter(Path(name).found(value)), ""))
        told = str(now_s) if verify.timestamp == f"{kind}:{name}" else job_id
        (headers if kind == "header" else fields)[name] = told
        return told

    message = _PART.sub(piece, verify.signed).encode("utf-8", "surrogateescape")
    mac = (
        key.sign(message) if verify.scheme == "ed25519" else hmac.digest(_key(secret, verify), message, _digest(verify))
    )
    signature = verify.prefix + (mac.hex() if verify.encoding == "hex" else base64.b64encode(mac).decode())
    if verify.fields:
        fields[verify.signature] = signature
        signature = verify.fields.join(f"{name}={text}" for name, text in fields.items())
    return headers | {verify.header: signature}


def _digest(verify: Verify) -> str:
    return DIGESTS[verify.scheme]


def _key(secret: str, verify: Verify) -> bytes:
    text = secret.removeprefix(verify.key_prefix)
    if verify.scheme == "standard-webhooks" or verify.key == "base64":
        return base64.b64decode(text + "=" * (-len(text) % 4))
    return bytes.fromhex(text) if verify.key == "hex" else text.encode()
