"""Checks that a rule's budget counts in what all its orders are paid in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from receiver.config.budgets import written
from receiver.config.known import RuleContext
from receiver.contracts import Budget, Source
from receiver.model.jobs import Then
from receiver.model.money import ADDS_UP
from receiver.model.rules import Rule


def rule_budget(rule: Rule, budget: Budget, where: str, known: RuleContext) -> Budget:
    """A rule's budget, with the sources whose costs it counts.

    Notes it if some of the orders go to a source that counts in another unit, for they would be held; and if it is in
    credits and the orders go to several vendors, whose credits do not add up.
    """
    orders = {source.name: source for source in _places(rule.then, known.sources_of(rule.when), known)}
    wrong = [source for source in orders.values() if source.provider.unit != budget.unit]
    vendors = {source.provider.name for source in orders.values()}
    if wrong:
        units = {source.provider.unit for source in orders.values()}
        told = ", ".join(f"{source.name} counts in {source.provider.unit}" for source in wrong)
        remedy = "make it one rule for each unit: name a source in when.source"
        if len(units) == 1:
            remedy = f'write {{ {written(units.pop())} = ..., per = "{budget.per}" }}'
        known.findings.wrong(f"{where}.budget", f"is in {budget.unit}, but {told}: its orders would be held", remedy)
    elif budget.unit != ADDS_UP and len(vendors) > 1:
        told = ", ".join(f"{source.name} ({source.provider.name})" for source in orders.values())
        remedy = "make it one rule for each vendor: name its source in when.source"
        known.findings.wrong(f"{where}.budget", f"counts the {budget.unit} of several vendors: {told}", remedy)
    return budget if budget.unit == ADDS_UP else msgspec.structs.replace(budget, sources=frozenset(orders))


def _places(follow_ups: Sequence[Then], parents: Sequence[Source], known: RuleContext) -> Iterator[Source]:
    """The sources at which a rule's orders, further steps included, may be placed."""
    for then in follow_ups:
        named = known.sources.made.get(then.source) if then.source is not None else None
        places = list(parents) if then.source is None else [named] if named is not None else []
        yield from places
        yield from _places(then.then, places, known)
