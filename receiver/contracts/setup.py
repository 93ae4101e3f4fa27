"""What flows need to know of the configuration."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from receiver.contracts.providers import Source
from receiver.model.money import Budget
from receiver.model.rules import Rule


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent, and how far a chain may go."""

    #: By source.
    budgets: dict[str, Budget] = {}
    #: By rule.
    rule_budgets: dict[str, Budget] = {}
    #: Where days begin.
    time_zone: str = "UTC"
    #: How many follow-ups deep a chain may go.
    depth: int = 5
    #: How many jobs a root may lead to, itself included.
    jobs: int = 50


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says, as far as flows need it."""

    sources: Mapping[str, Source]
    rules: tuple[Rule, ...] = ()
    limits: Limits = Limits()
    #: Names of the sinks there are.
    sinks: frozenset[str] = frozenset()
