"""Checks `when`: fields that do not exist, and conditions that nothing can ever meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, Final, get_args

from receiver.config.findings import inside, shown
from receiver.config.known import RuleContext
from receiver.lib.nearest import nearest
from receiver.model.actions import CANONICAL
from receiver.model.events import AT_STATUS, EventType, OperatorEventType
from receiver.model.jobs import (
    Cost,
    ErrorCode,
    Hold,
    JobError,
    Status,
)
from receiver.model.rules import FIELDS, fits

#: Fields that are tables, and the keys of those whose keys are fixed.
NESTED: Final[dict[str, tuple[str, ...]]] = {
    "tags": (),
    "params": (),
    "error": JobError.__struct_fields__,
    "cost": Cost.__struct_fields__,
    "hold": Hold.__struct_fields__,
}
#: Fields that are lists of records: no pattern says anything about them.
LISTS: Final = ("images", "next_actions")
#: Fields whose values are all known.
CLOSED: Final[dict[str, tuple[str, ...]]] = {
    "type": (*get_args(EventType), *get_args(OperatorEventType)),
    "status": get_args(Status),
    "error.code": get_args(ErrorCode),
    "hold.reason": ("pick", "budget", "limit", "breaker"),
    "cost.source": ("table", "reported"),
}
#: Which status a job has right after which event.
TOGETHER: Final = (
    *((kind, status) for status, kind in AT_STATUS.items()),
    *((kind, status) for kind in ("job.submitted", "job.progress") for status in ("queued", "running")),
    *((kind, "completed") for kind in ("job.archived", "job.archive_failed")),
    *((kind, None) for kind in get_args(OperatorEventType)),
)


def check_when(when: Mapping[str, Any], where: str, known: RuleContext) -> bool:
    """Whether `when` can match something; every reason why it cannot is noted."""
    before = len(known.findings.problems)
    for key, value in when.items():
        _check_field(key, value, inside(where, key), known)
    if len(known.findings.problems) > before:
        return False
    return _check_together(when, where, known)


def _check_field(key: str, value: Any, where: str, known: RuleContext) -> None:
    if key not in FIELDS:
        known.findings.not_one_of(where, "no event or job has this field", key, FIELDS)
    elif key in LISTS:
        known.findings.wrong(where, "is a list of records, which no condition can describe", "take it out")
    elif key in NESTED:
        _check_nested(key, value, where, known)
    else:
        _check_values(key, value, where, known)


def _check_nested(key: str, value: Any, where: str, known: RuleContext) -> None:
    for one in alternatives(value):
        if one == "*":
            continue
        if not isinstance(one, dict):
            known.findings.wrong(where, f"{shown(one)} is compared with a table", f"write {key} = {{ name = value }}")
            continue
        for name, wanted in one.items():
            if NESTED[key] and name not in NESTED[key]:
                known.findings.not_one_of(inside(where, name), f"{key} has no such field", name, NESTED[key])
            elif not (isinstance(wanted, dict) and not NESTED[key]):
                _check_values(f"{key}.{name}", wanted, inside(where, name), known)
    _not_empty(value, where, known)


def _check_values(key: str, value: Any, where: str, known: RuleContext) -> None:
    """`key` is a field that holds one value; `value` what it shall be."""
    for one in alternatives(value):
        if isinstance(one, dict):
            known.findings.wrong(where, "is one value, not a table", "write a value or a list of values")
        elif isinstance(one, date | time):
            known.findings.wrong(where, "is a date, which equals no text", 'write it in quotes, "*" for any rest')
        elif isinstance(one, bool) and not key.startswith("params."):
            known.findings.wrong(where, "is never true or false", "write a text or a number")
        else:
            _check_vocabulary(key, one, where, known)
    _not_empty(value, where, known)


def _check_vocabulary(key: str, one: Any, where: str, known: RuleContext) -> None:
    words = CLOSED.get(key) or (() if "*" in str(one) else _configured(key, known))
    if words and not any(fits({key: word}, {key: one}) for word in words):
        known.findings.not_one_of(where, f"{shown(one)} can never match", str(one), words)
    if key == "action" and "*" not in str(one) and one not in CANONICAL:
        remedy = nearest(str(one), sorted(CANONICAL))
        if remedy.startswith("did you mean"):
            known.findings.warn(f"{where}: {shown(one)} is no canonical action; {remedy}")


def _configured(key: str, known: RuleContext) -> tuple[str, ...]:
    """The words that the rest of the file allows; empty where they are not fully known, or free."""
    if key == "source":
        return known.sources.names or ("(no source)",)
    if key == "provider" and known.all_made:
        return tuple({source.provider.name for source in known.sources.made.values()})
    if key == "rule" and not known.unnamed_rules:
        return known.rules
    return ()


def _not_empty(value: Any, where: str, known: RuleContext) -> None:
    if not list(alternatives(value)):
        known.findings.wrong(where, "is an empty list, which nothing matches", "write a value, or take it out")


def _check_together(when: Mapping[str, Any], where: str, known: RuleContext) -> bool:
    wanted = {name: when[name] for name in ("type", "status") if name in when}
    if any(fits({"type": kind, "status": status}, wanted) for kind, status in TOGETHER):
        return True
    if set(wanted) == {"status"}:
        return _never_told(when, where, known)
    known.findings.wrong(where, "no event of this type finds a job in this status", "name the type alone")
    return False


def _never_told(when: Mapping[str, Any], where: str, known: RuleContext) -> bool:
    known.findings.wrong(
        inside(where, "status"),
        f"no event is told of a job that is {shown(when['status'])}",
        f"one of {', '.join(sorted({status for _, status in TOGETHER if status}))}",
    )
    return False


def alternatives(value: Any) -> Iterator[Any]:
    """The single conditions of which any one may hold."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from alternatives(one)
    else:
        yield value


def exact_actions(when: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The actions that `when` names, if it names them; None if any may match."""
    if "action" not in when:
        return None
    named = [str(one) for one in alternatives(when["action"])]
    return None if any("*" in one for one in named) else tuple(named)
