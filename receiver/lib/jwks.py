"""Reads a list of public keys (JSON Web Key Set, RFC 7517, with Ed25519 keys by RFC 8037)."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from receiver.lib.strict_json import read_json

KEY_LENGTH: Final = 32
MOST_KEYS: Final = 64


def ed25519_keys(body: bytes) -> tuple[bytes, ...]:
    """The Ed25519 keys (32 bytes each) in a set, in its order; other kinds of keys are left out. Raises NotJson."""
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
