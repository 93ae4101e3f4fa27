"""Reads `then`: what is ordered, where, and whether it can be done there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from math import isfinite
from typing import Any, Final

import msgspec

from receiver.config.findings import inside, shown
from receiver.config.known import RuleContext
from receiver.contracts import Parent, Source
from receiver.model.actions import Params, read_params
from receiver.model.jobs import Then
from receiver.model.questions import WORDS, Question, QuestionMistake, is_asked, read_question, stray_words

#: Words that belong to the rule; within `then` they would go to the vendor as parameters.
OF_THE_RULE: Final = ("when", "to", "if", "after", "budget")
OWN: Final = ("action", "source", "extra", "then")
DEEPEST: Final = 10


class PrecedingJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the job that a follow-up follows."""

    #: The rule's name, for messages.
    rule: str
    #: Its possible actions; None = any.
    actions: tuple[str, ...] | None
    #: Where it may have been done.
    sources: tuple[Source, ...]
    depth: int = 1


def read_follow_ups(value: Any, before: PrecedingJob, where: str, known: RuleContext) -> tuple[Then, ...]:
    """Every follow-up in a table or a list of tables that is right; mistakes are noted."""
    tables = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
    if not tables:
        known.findings.wrong(where, "is an empty list", "write { action = ... }, or take it out")
    if before.depth > DEEPEST:
        known.findings.wrong(where, f"is a chain of more than {DEEPEST} steps", "make it shorter")
        return ()
    read = [_read_one(table, before, where if place is None else f"{where}[{place}]", known) for place, table in tables]
    if sum(1 for _, table in tables if isinstance(table, dict) and is_asked(table)) > 1:
        known.findings.wrong(where, "asks more than once about one grid", "ask once; let what shall follow be its then")
    return tuple(then for then in read if then is not None)


def _read_one(table: Any, before: PrecedingJob, where: str, known: RuleContext) -> Then | None:
    if not isinstance(table, dict):
        known.findings.wrong(where, f"{shown(table)} is not a table", 'write { action = "upscale", kind = "2x" }')
        return None
    mistakes = len(known.findings.problems)
    action = _action(table, where, known)
    targets = _targets(table, before, where, known)
    asks = is_asked(table)
    question = _question(table, asks, where, known)
    given = _given(table, where, known)
    if asks:
        given["index"] = (question.default if question is not None else None) or 1
    extra = _extra(table.get("extra", {}), where, known)
    params = _params(action, given, targets, where, known) if action is not None else None
    if action is not None and params is not None:
        _check_possible(Then(action=action, params=params), before, targets, where, known)
    right = len(known.findings.problems) == mistakes
    actions = None if action is None else (action,)
    after = msgspec.structs.replace(before, actions=actions, sources=targets, depth=before.depth + 1)
    then = read_follow_ups(table["then"], after, inside(where, "then"), known) if "then" in table else ()
    if action is None or params is None or not right:
        return None
    if asks:
        params = {name: value for name, value in params.items() if name != "index"}
    return Then(action=action, source=table.get("source"), params=params, extra=extra, ask=question, then=then)


def _question(table: dict[str, Any], asks: bool, where: str, known: RuleContext) -> Question | None:
    """The question of a follow-up, if it asks one; mistakes are noted."""
    question: Question | None = None
    mistakes: list[QuestionMistake] | tuple[QuestionMistake, ...] = stray_words(table)
    if asks:
        question, mistakes = read_question(table, known.sinks, known.sinks_without_buttons)
    for word, wrong, remedy in mistakes:
        known.findings.wrong(inside(where, word), wrong, remedy)
    return question


def _action(table: dict[str, Any], where: str, known: RuleContext) -> str | None:
    action = table.get("action")
    if isinstance(action, str) and action:
        return action
    known.findings.wrong(inside(where, "action"), "is missing or not text", 'write action = "upscale"')
    return None


def _targets(table: dict[str, Any], before: PrecedingJob, where: str, known: RuleContext) -> tuple[Source, ...]:
    """The sources that may have to carry it out; empty if that is not known for want of a right configuration."""
    if "source" not in table:
        names = [source.name for source in before.sources]
    elif table["source"] not in list(known.sources.names):
        wrong = f"there is no source {shown(table['source'])}"
        known.findings.not_one_of(inside(where, "source"), wrong, str(table["source"]), known.sources.names)
        return ()
    else:
        names = [table["source"]]
    for name in names:
        _check_key(name, before.rule, known)
    return tuple(known.sources.made[name] for name in names if name in known.sources.made)


def _check_key(name: str, rule: str, known: RuleContext) -> None:
    if name not in known.sources.receive_only:
        return
    where, wrong = f"{inside('sources', name)}.api_key", f"is missing: rule {rule} orders there"
    if not any((one.where, one.wrong) == (where, wrong) for one in known.findings.problems):
        known.findings.wrong(where, wrong, 'write api_key = "env:NAME", or name another source in when.source')


def _extra(value: Any, where: str, known: RuleContext) -> Params:
    """What goes into the order's body as it is; empty if it cannot (noted)."""
    if not isinstance(value, dict):
        known.findings.wrong(inside(where, "extra"), "is not a table", "write extra = { name = value }")
        return {}
    for key, item in value.items():
        for wrong in not_json(item):
            known.findings.wrong(inside(inside(where, "extra"), key), f"{wrong} is no JSON value", "write it as text")
    return value


def _given(table: dict[str, Any], where: str, known: RuleContext) -> Params:
    """The parameters as they are written, without those that can be none (noted)."""
    for key in table:
        if key in OF_THE_RULE:
            known.findings.wrong(inside(where, key), "belongs to the rule, not into then", "write it beside then")
    given = {key: value for key, value in table.items() if key not in (*OWN, *WORDS, *OF_THE_RULE)}
    wrong = {key: text for key, value in given.items() for text in not_json(value)}
    for key, text in wrong.items():
        known.findings.wrong(inside(where, key), f"{text} is no JSON value", "write it as text")
    return {key: value for key, value in given.items() if key not in wrong}


def _params(action: str, given: Params, targets: tuple[Source, ...], where: str, known: RuleContext) -> Params | None:
    """The parameters in canonical form; None if some are wrong (noted). Unknown ones are noted and left out."""
    unknown = _unknown(action, given, targets, where, known)
    params, wrong = read_params(action, {key: value for key, value in given.items() if key not in unknown})
    for key, text in wrong.items():
        known.findings.wrong(inside(where, key), text, "correct it")
    return None if wrong else params


def _unknown(action: str, given: Params, targets: tuple[Source, ...], where: str, known: RuleContext) -> frozenset[str]:
    """The parameters that the action has not at every source that may have to carry it out (noted)."""
    found: dict[str, dict[str, str]] = {}
    for target in targets:
        for key, meant in target.unknown_params(action, given, OWN).items():
            found.setdefault(key, {})[target.name] = meant
    for key, places in found.items():
        wrong = f"is no parameter of {action} at {', '.join(places)}"
        meant = next(iter(places.values()))
        remedy = f"{meant} (what only the vendor knows goes into extra = {{ {key} = ... }})"
        known.findings.wrong(inside(where, key), wrong, remedy)
    return frozenset(found)


def not_json(value: Any) -> Iterator[str]:
    """Whatever in a TOML value JSON cannot say."""
    if isinstance(value, date | time) or (isinstance(value, float) and not isfinite(value)):
        yield str(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from not_json(inner)


def _check_possible(
    then: Then, before: PrecedingJob, targets: tuple[Source, ...], where: str, known: RuleContext
) -> None:
    refusals: dict[str, list[str]] = {}
    for target in targets:
        for parent in _parents(before, target, targets):
            refusal = target.provider.refusal(then.action, then.params, parent)
            if refusal is not None and target.name not in refusals.setdefault(refusal, []):
                refusals[refusal].append(target.name)
    for refusal, names in refusals.items():
        wrong = f"cannot be done at {', '.join(names)}: {refusal}"
        known.findings.wrong(where, wrong, "order what is nearest, name another source in then, or narrow when")


def _parents(before: PrecedingJob, target: Source, targets: tuple[Source, ...]) -> list[Parent]:
    """What may stand before it at this target. Without a source of its own it is done where the parent was."""
    providers = {source.provider.name for source in before.sources}
    same = targets == before.sources
    provider = target.provider.name if same else next(iter(providers)) if len(providers) == 1 else None
    return [Parent(action=action, provider=provider) for action in before.actions or (None,)]
