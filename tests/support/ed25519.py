"""The signing half of Ed25519: what a vendor does."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def public_key(secret: bytes) -> bytes:
    """The public key of a secret of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def signed(secret: bytes, message: bytes) -> bytes:
    """The signature of a message, 64 bytes."""
    return Ed25519PrivateKey.from_private_bytes(secret).sign(message)
