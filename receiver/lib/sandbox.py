"""Users' templates and expressions in a sandbox that bounds their time, memory and output (minijinja).

The engine counts fuel, so that neither a loop nor a text that doubles itself goes on; what a template is given is plain
JSON made for this one use, so that nothing of ours can be reached or changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from receiver.errors import TemplateWrong

if TYPE_CHECKING:
    from minijinja import Environment

#: Characters of a source. Far longer chains of operators would exhaust the engine's stack (tried: 20,000 terms).
LONGEST_SOURCE: Final = 8_000
#: What one text may use up: some 3 ms and 2 MB at most (tried).
TEXT_FUEL: Final = 100_000
#: What one expression may use up: it is evaluated within a transaction.
EXPRESSION_FUEL: Final = 10_000
#: Whether what does not exist is a mistake, or empty.
Missing = Literal["mistake", "empty"]
Names = Mapping[str, Any]


class TextTemplate:
    """A text with `{{ expressions }}` and `{% statements %}`."""

    def __init__(self, source: str, escape: Callable[[str], str] = str, missing: Missing = "empty") -> None:
        """`escape` is applied to every value that is put in. Raises TemplateWrong for what cannot be read."""
        _bound(source)
        self._environment = _environment(TEXT_FUEL, missing)
        self._environment.finalizer = lambda value: escape(_shown(value))
        _translated(lambda: self._environment.add_template("text", source), source)
        self._source = source

    def fill(self, names: Names) -> str:
        """The text for these names: plain JSON that nobody else uses. Raises TemplateWrong."""
        return str(_translated(lambda: self._environment.render_template("text", **names), self._source))


def evaluate(expression: str, names: Names, missing: Missing = "empty") -> Any:
    """The value of an expression for these names: plain JSON that nobody else uses. Raises TemplateWrong."""
    _bound(expression)
    return _translated(lambda: _expressions(missing).eval_expr(expression, **names), expression)


def names_in(source: str) -> set[str]:
    """The names that a template takes from outside, dotted as far as they go. Raises TemplateWrong."""
    _bound(source)
    found = _translated(lambda: _expressions("empty").undeclared_variables_in_str(source, nested=True), source)
    return set(found) - GLOBALS


#: What the engine itself has.
GLOBALS: Final = frozenset({"range", "dict", "cycler", "joiner", "namespace", "loop"})


def is_filter(name: str) -> bool:
    """Whether there is a filter of this name."""
    return not _fails_as("UnknownFilter", f"none|{name}")


def is_test(name: str) -> bool:
    """Whether there is a test (`is name`) of this name."""
    return not _fails_as("UnknownTest", f"none is {name}")


def _fails_as(kind: str, expression: str) -> bool:
    try:
        evaluate(expression, {})
    except TemplateWrong as wrong:
        return wrong.kind == kind
    return False


def _bound(source: str) -> None:
    if len(source) > LONGEST_SOURCE:
        raise TemplateWrong(f"is longer than {LONGEST_SOURCE} characters", kind="TooLong")


@lru_cache(2)
def _expressions(missing: Missing) -> Environment:
    return _environment(EXPRESSION_FUEL, missing)


def _environment(fuel: int, missing: Missing) -> Environment:
    from minijinja import Environment  # noqa: PLC0415  # 0.1 s: only who has a template pays for it

    environment = Environment(fuel=fuel, undefined_behavior="strict" if missing == "mistake" else "chainable")
    environment.remove_global("debug")
    for name, change in FILTERS.items():
        environment.add_filter(name, change)
    return environment


def _shown(value: object) -> str:
    """A value as text: nothing for null, JSON for what is no text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def _on_text(change: Callable[[str], str]) -> Callable[[object], str]:
    def changed(value: object = None) -> str:
        return change(_shown(value))

    return changed


def _truncated(value: object = None, length: int = 255, killwords: bool = False, end: str = "…") -> str:
    """At most `length` characters, the end mark included; whole words unless `killwords`."""
    text = _shown(value)
    if len(text) <= length:
        return text
    cut = text[: max(0, length - len(end))]
    ends_a_word = text[len(cut) : len(cut) + 1] == " "
    whole = cut if killwords or ends_a_word or " " not in cut else cut.rpartition(" ")[0]
    return (whole.rstrip() + end)[: max(0, length)]


#: The engine's own say "None" or "NONE" of null, and its `truncate` takes no length by place. None of these lets a
#: text grow: what Python does costs no fuel.
FILTERS: Final[dict[str, Callable[..., str]]] = {
    "upper": _on_text(str.upper),
    "lower": _on_text(str.lower),
    "title": _on_text(str.title),
    "capitalize": _on_text(str.capitalize),
    "trim": _on_text(str.strip),
    "string": _on_text(str),
    "truncate": _truncated,
}


def _translated(work: Callable[[], Any], source: str) -> Any:
    """What `work` returns; the engine's own error, which quotes all names' values, becomes ours without them."""
    from minijinja import TemplateError  # noqa: PLC0415  # see _environment

    try:
        return work()
    except TemplateError as wrong:
        said = str(wrong).partition("\n")[0].partition(" (in <")[0].partition(" (in text:")[0]
        start, end = wrong.range or (0, 0)
        raw = source.encode("utf-8", "replace")
        before = raw[:start].decode("utf-8", "replace")
        raise TemplateWrong(
            said, kind=str(wrong.kind), at=len(before), piece=raw[start:end].decode("utf-8", "replace")
        ) from None
    except (ValueError, TypeError, OverflowError, RecursionError) as wrong:
        raise TemplateWrong(f"{type(wrong).__name__} while it is filled in", kind="BadValue") from None
