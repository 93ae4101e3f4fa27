"""The configuration: one TOML file, read strictly, all mistakes told at once."""

from __future__ import annotations

from receiver.config.loading import load
from receiver.config.settings import Config, ServerSettings, SinkSettings
from receiver.contracts import Budget
from receiver.config.template import TEMPLATE

__all__ = ["TEMPLATE", "Budget", "Config", "ServerSettings", "SinkSettings", "load"]
