"""Reads `[[rules]]`: which events go where, and what follows."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Annotated, Any, Final

import msgspec

from receiver.config.budgets import BudgetKeys, budget_of
from receiver.config.findings import shown
from receiver.config.known import RuleContext
from receiver.config.reading import (
    Reader,
    Table,
    Wrong,
)
from receiver.config.rules.conditions import (
    alternatives,
    check_when,
    exact_actions,
)
from receiver.config.rules.follow_ups import PrecedingJob, read_follow_ups
from receiver.config.rules.loops import check_endless
from receiver.config.rules.rule_budgets import rule_budget
from receiver.config.sources import SourcesRead
from receiver.contracts import Budget
from receiver.errors import OptionError
from receiver.model.jobs import Then
from receiver.model.rules import Rule
from receiver.model.template_mistakes import check_condition

LATER: Final = ("after",)
KEYS: Final = ("name", "when", "if", "to", "then", "budget")
LONGEST_NAME: Final = 100
#: The event that has a result to go on with, and the one that tells that its pictures are kept.
RESULT: Final = "job.completed"
RESULTS: Final = (RESULT, "job.archived")


def _check_rule_name(name: str) -> None:
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise OptionError("", f"must be 1-{LONGEST_NAME} printable characters", "shorten it, or leave it out")


class RuleKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may say beside `then`."""

    name: Annotated[str, msgspec.Meta(extra={"check": _check_rule_name})] | None = None
    when: dict[str, Any] = {}
    condition: Annotated[str, msgspec.Meta(extra={"check": check_condition})] | None = msgspec.field(
        name="if", default=None
    )
    to: tuple[str, ...] = ()
    budget: BudgetKeys | None = None


class RulesRead(msgspec.Struct, frozen=True, kw_only=True):
    """What came of `[[rules]]`."""

    rules: tuple[Rule, ...] = ()
    budgets: dict[str, Budget] = {}


def read_rules(
    reader: Reader, value: Any, sources: SourcesRead, sinks: tuple[str, ...], without_buttons: tuple[str, ...] = ()
) -> RulesRead:
    """Every rule that is right; mistakes are noted."""
    if not isinstance(value, list):
        reader.findings.wrong("rules", "is not a list of tables", "write [[rules]], with two brackets")
        return RulesRead()
    names = [table.get("name") for table in value if isinstance(table, dict)]
    known = RuleContext(
        findings=reader.findings,
        sources=sources,
        sinks=sinks,
        sinks_without_buttons=without_buttons,
        rules=tuple(name for name in names if isinstance(name, str)),
        unnamed_rules=None in names,
    )
    rules: list[Rule] = []
    budgets: dict[str, Budget] = {}
    for place, table in enumerate(value):
        rule, budget = _read_rule(reader, table, f"rules[{place}]", known)
        rules += [rule] if rule is not None else []
        if rule is not None and budget is not None:
            budgets[rule.name] = rule_budget(rule, budget, f"rules[{place}]", known)
    _check_names(rules, known)
    check_endless(rules, known)
    return RulesRead(rules=tuple(rules), budgets=budgets)


def _read_rule(reader: Reader, value: Any, where: str, known: RuleContext) -> tuple[Rule | None, Budget | None]:
    try:
        table = reader.table(value, where)
    except Wrong:
        return None, None
    reader.known(table, KEYS, where, LATER)
    keys = reader.struct(RuleKeys, table, where) or RuleKeys()
    when = _when(keys.when, "then" in table, where, known)
    label = keys.name or where
    then = _then(table, when, label, where, known) if "then" in table else ()
    _check_sinks(keys.to, table, where, known)
    rule = Rule(
        name=keys.name or name_of(when, keys.condition, keys.to, then),
        when=when,
        condition=keys.condition,
        to=tuple(dict.fromkeys(keys.to)),
        then=then,
    )
    return rule, budget_of(keys.budget) if keys.budget is not None else None


def _when(when: dict[str, Any], orders: bool, where: str, known: RuleContext) -> dict[str, Any]:
    """The conditions; a rule with follow-ups is about results only."""
    types = list(alternatives(when.get("type", RESULT)))
    if orders and not (types and all(one in RESULTS for one in types)):
        wrong = f"{shown(when['type'])} has no result that something could follow from"
        remedy = f'a rule with then needs type = "{RESULT}" (or "{RESULTS[1]}")'
        known.findings.wrong(f"{where}.when.type", wrong, remedy)
        check_when({name: value for name, value in when.items() if name != "type"}, f"{where}.when", known)
        return when
    full = {"type": RESULT, **when} if orders else when
    check_when(full, f"{where}.when", known)
    return full


def _then(table: Table, when: dict[str, Any], label: str, where: str, known: RuleContext) -> tuple[Then, ...]:
    before = PrecedingJob(rule=label, actions=exact_actions(when), sources=known.sources_of(when))
    return read_follow_ups(table["then"], before, f"{where}.then", known)


def _check_sinks(to: tuple[str, ...], table: Table, where: str, known: RuleContext) -> None:
    if not to and "then" not in table and ("to" not in table or table["to"] == []):
        known.findings.wrong(where, "has neither to nor then: it does nothing", 'write to = "SINK" or then = {...}')
    for name in to:
        if name not in known.sinks:
            known.findings.not_one_of(f"{where}.to", f"there is no sink {shown(name)}", name, known.sinks)


def name_of(when: dict[str, Any], condition: str | None, to: tuple[str, ...], then: tuple[Then, ...]) -> str:
    """The name of a rule that has none: made from its content, so that moving it does not change it."""
    content: dict[str, Any] = {"when": when, "to": sorted(set(to)), "then": [_content(one) for one in then]}
    content |= {"if": condition} if condition is not None else {}
    return "rule-" + hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()[:8]


def _content(then: Then) -> dict[str, Any]:
    """Only what is written: a field that a later version adds must not rename the rules of this one."""
    after = [_content(one) for one in then.then]
    content: dict[str, Any] = {"action": then.action, "source": then.source, "params": then.params, "then": after}
    if then.ask is not None:
        content["ask"] = sorted(then.ask.sinks)
    return content | ({"extra": then.extra} if then.extra else {})


def _check_names(rules: list[Rule], known: RuleContext) -> None:
    for name, times in Counter(rule.name for rule in rules).items():
        if times > 1:
            known.findings.wrong("rules", f"{times} rules are called {shown(name)}", "give each a name of its own")
