"""midjourney-proxy, the program that people run with an account of their own, and the relays that speak like it."""

from __future__ import annotations

from receiver.providers.midjourney_proxy.dialect import MidjourneyProxy

__all__ = ["MidjourneyProxy"]
