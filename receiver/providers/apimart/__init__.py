"""APIMart: `/v1/midjourney/generations/...`, unsigned webhooks, HD upscale by the grid's own button (seed 000)."""

from __future__ import annotations

from receiver.providers.apimart.dialect import APIMart

__all__ = ["APIMart"]
