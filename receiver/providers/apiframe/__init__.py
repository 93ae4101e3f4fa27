"""Apiframe v2: `/v2/images/midjourney/action` and its kin, signed webhooks (seed 004, the vendor's OpenAPI page)."""

from __future__ import annotations

from receiver.providers.apiframe.dialect import Apiframe

__all__ = ["Apiframe"]
