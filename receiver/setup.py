"""From the configuration to what flows need of it."""

from __future__ import annotations

from receiver.advance import Setup
from receiver.config import Config
from receiver.money import Limits


def setup_of(config: Config) -> Setup:
    """What the flows need of a configuration."""
    limits = Limits(
        budgets=config.budgets,
        rule_budgets=config.rule_budgets,
        time_zone=config.time_zone,
        depth=config.limits.depth,
        jobs=config.limits.jobs,
    )
    return Setup(sources=config.sources, rules=config.rules, limits=limits, sinks=frozenset(config.sinks))
