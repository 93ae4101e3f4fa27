"""A vendor described in the configuration alone: how it is verified, where things stand, what its words mean."""

from __future__ import annotations

from receiver.providers.generic.dialect import Generic

__all__ = ["Generic"]
