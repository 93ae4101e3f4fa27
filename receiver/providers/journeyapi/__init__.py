"""JourneyAPI: `/upscale-1x`, `/fetch` and their kin, webhooks with `x-webhook-secret` (seeds 001 and 003)."""

from __future__ import annotations

from receiver.providers.journeyapi.dialect import JourneyAPI

__all__ = ["JourneyAPI"]
