"""Reads the chain of a submission: what it orders next is judged by the same rules as a rule's `then`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from receiver.contracts import Parent, Source
from receiver.contracts.setup import Setup
from receiver.errors import InvalidParams, NotPossible
from receiver.lib.nearest import nearest
from receiver.model.actions import read_params
from receiver.model.jobs import Then
from receiver.model.questions import WORDS, Question, QuestionMistake, is_asked, read_question, stray_words

#: What in a follow-up is no parameter.
OWN: Final = frozenset({"action", "source", "extra", "then"})
#: So many unknown parameters are named in one answer.
MOST_NAMED: Final = 5


def read_action_params(
    account: Source, action: str, given: dict[str, Any], words: Collection[str] = ()
) -> dict[str, Any]:
    """The parameters in canonical form. Raises InvalidParams with all that is wrong, also for unknown ones.

    `words` may stand beside them, so that they may be meant too.
    """
    params, wrong = read_params(action, given)
    unknown = account.unknown_params(action, given, words)
    mistakes = [text for name, text in wrong.items() if name not in unknown]
    named = list(unknown.items())[:MOST_NAMED]
    mistakes += [f"{action} at {account.name} has no parameter {name!r}: {meant}" for name, meant in named]
    if len(unknown) > len(named):
        mistakes.append(f"nor {len(unknown) - len(named)} others of them")
    if unknown:
        mistakes.append("what only the vendor knows goes into extra")
    if mistakes:
        raise InvalidParams("; ".join(mistakes))
    return params


def read_then(setup: Setup, value: Any, source: str, action: str) -> tuple[Then, ...]:
    """The chain of a submission. Raises InvalidParams if it is not one, or if its source cannot do it."""
    if value is None:
        return ()
    links = value if isinstance(value, list) else [value]
    if sum(1 for link in links if isinstance(link, dict) and is_asked(link)) > 1:
        raise InvalidParams("then asks more than once about one grid: ask once, and let what follows be its then")
    return tuple(_read_link(setup, link, source, action) for link in links)


def _read_link(setup: Setup, link: Any, source: str, parent_action: str) -> Then:
    if not isinstance(link, dict) or not isinstance(link.get("action"), str):
        raise InvalidParams("then is a table with an action, or a list of such")
    place = source if link.get("source") is None else link["source"]
    if not isinstance(place, str) or place not in setup.sources:
        meant = nearest(str(place)[:60], sorted(setup.sources))
        raise InvalidParams(f"then names source {repr(place)[:60]}, which is not configured: {meant}")
    action = link["action"]
    question = _read_question(setup, link)
    given = {name: link[name] for name in link if name not in (*OWN, *WORDS)}
    if question is not None:
        given["index"] = question.default or 1
    params = read_action_params(setup.sources[place], action, given, (*OWN, *WORDS))
    provider = setup.sources[place].provider
    extra = {} if link.get("extra") is None else link["extra"]
    if not isinstance(extra, dict):
        raise InvalidParams("extra is a table of what goes into the order's body")
    refusal = provider.refusal(action, params, _expected(setup, source, parent_action))
    if refusal is not None:
        raise NotPossible("unsupported", refusal)
    then = read_then(setup, link.get("then"), place, action)
    if question is not None:
        del params["index"]
    return Then(action=action, source=link.get("source"), params=params, extra=extra, ask=question, then=then)


def _read_question(setup: Setup, link: dict[str, Any]) -> Question | None:
    """The question of a link, if it asks one. Raises InvalidParams with all that is wrong."""
    question: Question | None = None
    mistakes: Sequence[QuestionMistake] = stray_words(link)
    if is_asked(link):
        question, mistakes = read_question(link, setup.sinks, setup.sinks - setup.button_sinks)
    if mistakes:
        raise InvalidParams("; ".join(f"{one.word} {one.wrong}: {one.remedy}" for one in mistakes))
    return question


def _expected(setup: Setup, source: str, action: str) -> Parent:
    return Parent(action=action, provider=setup.sources[source].provider.name)
