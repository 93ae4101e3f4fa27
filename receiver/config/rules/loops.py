"""Finds rules that would order without end, because their results set them off again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from receiver.config.findings import shown
from receiver.config.known import RuleContext
from receiver.contracts import Parent, Source
from receiver.model.jobs import Then
from receiver.model.rules import Rule, fits


class FollowUpStep(msgspec.Struct, frozen=True, kw_only=True):
    """One follow-up at one source."""

    rule: Rule
    then: Then
    source: Source

    @property
    def key(self) -> tuple[int, str]:
        """What makes two steps the same: the follow-up in the file, and its source."""
        return id(self.then), self.source.name


def check_endless(rules: Sequence[Rule], known: RuleContext) -> None:
    """Notes each rule with a follow-up that certainly leads back to itself: every round would be paid for."""
    for place, rule in enumerate(rules):
        for first in _first_steps(rule, known):
            if _comes_back(first, rules, known):
                wrong = f"orders without end: the result of {first.then.action} sets off {shown(rule.name)} again"
                known.findings.wrong(f"rules[{place}].then", wrong, 'narrow when, for example with action = "pick"')
                break


def _first_steps(rule: Rule, known: RuleContext) -> Iterator[FollowUpStep]:
    for source in known.sources_of(rule.when):
        for then in rule.then:
            yield from _step(rule, then, source, known)


def _step(rule: Rule, then: Then, parent_source: Source, known: RuleContext) -> Iterator[FollowUpStep]:
    source = known.sources.made.get(then.source) if then.source else parent_source
    if source is not None:
        yield FollowUpStep(rule=rule, then=then, source=source)


def _comes_back(first: FollowUpStep, rules: Sequence[Rule], known: RuleContext) -> bool:
    seen: set[tuple[int, str]] = set()
    waiting = list(_next(first, rules, known))
    while waiting:
        step = waiting.pop()
        if step.key == first.key:
            return True
        if step.key not in seen:
            seen.add(step.key)
            waiting.extend(_next(step, rules, known))
    return False


def _next(step: FollowUpStep, rules: Sequence[Rule], known: RuleContext) -> Iterator[FollowUpStep]:
    """What the result of a step certainly sets off: its own chain, and the rules that its job fits."""
    following = [(step.rule, then) for then in step.then.then]
    following += [(rule, then) for rule in rules if _sets_off(step, rule) for then in rule.then]
    for rule, then in following:
        for after in _step(rule, then, step.source, known):
            parent = Parent(action=step.then.action, provider=step.source.provider.name)
            asks_without_default = then.ask is not None and then.ask.default is None
            possible = after.source.provider.refusal(then.action, then.sample_params, parent) is None
            if possible and not asks_without_default:
                yield after


def _sets_off(step: FollowUpStep, rule: Rule) -> bool:
    job = {
        "type": "job.completed",
        "status": "completed",
        "progress": 100,
        "action": step.then.action,
        "params": step.then.sample_params,
        "source": step.source.name,
        "provider": step.source.provider.name,
        "rule": step.rule.name,
    }
    # Tags go from parent to child, so a condition on them that held once holds again; all else is not certain.
    wanted = {name: value for name, value in rule.when.items() if name != "tags"}
    return wanted.keys() <= job.keys() and fits(job, wanted)
