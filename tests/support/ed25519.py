"""The signing half of Ed25519 (RFC 8032, 5.1.6): what a vendor does."""

from __future__ import annotations

import hashlib

from receiver.lib.ed25519 import BASE, ORDER, encoded, multiplied


def public_key(secret: bytes) -> bytes:
    """The public key of a secret of 32 bytes."""
    return encoded(multiplied(_scalar(secret)[0], BASE))


def signed(secret: bytes, message: bytes) -> bytes:
    """The signature of a message, 64 bytes."""
    scalar, prefix = _scalar(secret)
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % ORDER
    point = encoded(multiplied(nonce, BASE))
    digest = hashlib.sha512(point + encoded(multiplied(scalar, BASE)) + message).digest()
    answer = (nonce + int.from_bytes(digest, "little") * scalar) % ORDER
    return point + answer.to_bytes(32, "little")


def _scalar(secret: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return scalar, digest[32:]
