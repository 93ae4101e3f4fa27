"""Checks that a rule's budget counts in what all its orders are paid in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from receiver.config.budgets import written
from receiver.config.known import RuleContext
from receiver.contracts import Budget, Source
from receiver.model.jobs import Then
from receiver.model.rules import Rule


def check_rule_budget(rule: Rule, budget: Budget, where: str, known: RuleContext) -> None:
    """Notes a rule's budget if some of its orders go to a source that counts in another unit: they would be held."""
    orders = {source.name: source for source in _places(rule.then, known.sources_of(rule.when), known)}
    wrong = [source for source in orders.values() if source.provider.unit != budget.unit]
    if not wrong:
        return
    units = {source.provider.unit for source in orders.values()}
    told = ", ".join(f"{source.name} counts in {source.provider.unit}" for source in wrong)
    remedy = "make it one rule for each unit: name a source in when.source"
    if len(units) == 1:
        remedy = f'write {{ {written(units.pop())} = ..., per = "{budget.per}" }}'
    known.findings.wrong(f"{where}.budget", f"is in {budget.unit}, but {told}: its orders would be held", remedy)


def _places(follow_ups: Sequence[Then], parents: Sequence[Source], known: RuleContext) -> Iterator[Source]:
    """The sources at which a rule's orders, further steps included, may be placed."""
    for then in follow_ups:
        named = known.sources.made.get(then.source) if then.source is not None else None
        places = list(parents) if then.source is None else [named] if named is not None else []
        yield from places
        yield from _places(then.then, places, known)
