"""The configuration: one TOML file, read strictly, all mistakes told at once."""

from __future__ import annotations

from receiver.config.loading import load
from receiver.config.settings import (
    Config,
    LimitSettings,
    ServerSettings,
)
from receiver.config.template import starter, starter_secrets
from receiver.contracts import Budget

__all__ = [
    "Budget",
    "Config",
    "LimitSettings",
    "ServerSettings",
    "load",
    "starter",
    "starter_secrets",
]
