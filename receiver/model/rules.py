"""Rules: which events go where, and what follows from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from receiver.errors import TemplateWrong
from receiver.model.events import KeptEvent, OperatorData
from receiver.model.jobs import Job, Then
from receiver.model.templates import holds

#: What `when` may name: the event's type, the fields of the job, and what operator events tell.
FIELDS: Final = frozenset({"type", *Job.__struct_fields__, *OperatorData.__struct_fields__})

#: A field's name to what it must be: a value (text may hold `*`), a list of which any one matches, or a nested table.
When = Mapping[str, Any]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Events that match `when`, and of which `condition` is true, go to the sinks `to`, and `then` is ordered."""

    name: str
    when: dict[str, Any] = {}
    #: An expression over `event` and `job` (`if` in the configuration); None = whatever matches `when`.
    condition: str | None = None
    to: tuple[str, ...] = ()
    then: tuple[Then, ...] = ()


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where one event goes."""

    #: Names of sinks, each once.
    sinks: tuple[str, ...] = ()
    #: What is to be ordered, and the name of the rule that says so.
    follow_ups: tuple[tuple[str, Then], ...] = ()
    #: The rules whose condition could not be judged, so that they do not match, and why.
    unjudged: tuple[tuple[str, str], ...] = ()


def route(event: KeptEvent, rules: Iterable[Rule]) -> Route:
    """The sinks and follow-ups that the rules give an event. A sink named by several rules gets it once."""
    sinks: dict[str, None] = {}
    follow_ups: list[tuple[str, Then]] = []
    unjudged: list[tuple[str, str]] = []
    for rule in rules:
        if not _fits_event(event, rule.when):
            continue
        try:
            if rule.condition is not None and not holds(rule.condition, event):
                continue
        except TemplateWrong as wrong:
            unjudged.append((rule.name, str(wrong)))
            continue
        sinks.update(dict.fromkeys(rule.to))
        follow_ups += [(rule.name, then) for then in rule.then]
    return Route(sinks=tuple(sinks), follow_ups=tuple(follow_ups), unjudged=tuple(unjudged))


def _fits_event(event: KeptEvent, when: When) -> bool:
    for name, wanted in when.items():
        if not _holds(event.type if name == "type" else getattr(event.data, name, None), wanted):
            return False
    return True


def fits(fields: Mapping[str, Any], when: When) -> bool:
    """Whether every condition holds. A field that is missing or null fits nothing but a `*` that stands alone."""
    return all(_holds(fields.get(name), wanted) for name, wanted in when.items())


def _holds(value: Any, wanted: Any) -> bool:
    if type(value) is str and type(wanted) is str:
        return _matches(value, wanted)
    if isinstance(wanted, list | tuple):
        return (type(value) is str and value in wanted) or any(_holds(value, one) for one in wanted)
    if isinstance(wanted, Mapping):
        fields = msgspec.to_builtins(value)
        return isinstance(fields, Mapping) and fits(fields, wanted)
    if value is None:
        return bool(wanted == "*")
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return _matches(str(value), str(wanted))


def _matches(text: str, pattern: str) -> bool:
    return text == pattern or ("*" in pattern and fnmatchcase(text, _without_sets(pattern)))


def _without_sets(pattern: str) -> str:
    """Only `*` is special: `?` and `[` stand for themselves."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
