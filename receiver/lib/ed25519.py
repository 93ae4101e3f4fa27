"""Ed25519: whether a signature is right (RFC 8032), and the keys in a published list of them."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from receiver.lib.strict_json import read_json

KEY_LENGTH: Final = 32
MOST_KEYS: Final = 64


def signature_is_valid(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) of `message` was made with the private half of `key` (32 bytes). Never raises."""
    # Loaded by who has such a source: it takes some 30 ms.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def ed25519_keys(body: bytes) -> tuple[bytes, ...]:
    """The keys (32 bytes each) in a JSON Web Key Set (RFC 7517, 8037), in its order, without those of other kinds.

    Raises NotJson.
    """
    value = read_json(body)
    listed = value.get("keys") if isinstance(value, dict) else None
    found = [_key_of(one) for one in listed[:MOST_KEYS]] if isinstance(listed, list) else []
    return tuple(key for key in found if key is not None)


def _key_of(one: Any) -> bytes | None:
    if not isinstance(one, dict) or one.get("kty") != "OKP" or one.get("crv") != "Ed25519":
        return None
    text = one.get("x")
    if not isinstance(text, str):
        return None
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if len(key) == KEY_LENGTH else None
