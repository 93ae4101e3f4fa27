"""Idempotency keys of pages: of one page there is each order once, however often its button is pressed."""

from __future__ import annotations

import hashlib

import msgspec

from receiver.web.problems import Refusal


def once_key(once: str, order: object) -> str:
    """The key of an order, from what was made up for this page. Raises Refusal (400) if that is missing."""
    if not (once.isascii() and once.isprintable() and 8 <= len(once) <= 64):
        raise Refusal(400, "invalid_form", "this page is incomplete: open it again, and press again")
    encoded = msgspec.json.encode([once, order], order="deterministic")
    return f"page:{hashlib.sha256(encoded).hexdigest()}"
