"""Addresses of pictures that were sent within a webhook or an answer: the bytes are kept, the job names their hash."""

from __future__ import annotations

import hashlib
from typing import Final

#: What such an address begins with; 64 hexadecimal digits follow.
INLINE: Final = "urn:sha256:"
_LENGTH: Final = len(INLINE) + 64


def inline_address(body: bytes) -> str:
    """The address of these bytes."""
    return INLINE + hashlib.sha256(body).hexdigest()


def inline_sha256(url: str) -> bytes | None:
    """The hash that an address names; None if it is another address."""
    if not url.startswith(INLINE) or len(url) != _LENGTH:
        return None
    try:
        return bytes.fromhex(url[len(INLINE) :])
    except ValueError:
        return None
