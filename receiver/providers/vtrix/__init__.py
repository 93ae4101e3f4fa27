"""Vtrix and SeaCloud: the `generation` API that seed 002 documents, and the queue API that followed it."""

from __future__ import annotations

from receiver.providers.vtrix.dialect import Vtrix, VtrixOptions

__all__ = ["Vtrix", "VtrixOptions"]
