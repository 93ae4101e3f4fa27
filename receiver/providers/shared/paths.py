"""Paths into foreign JSON: `data.output.image_urls[*]`, `data.result|json.urls[0]`, `text|match([0-9]+)%`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from receiver.errors import InvalidParams, NotJson
from receiver.lib.strict_json import read_json
from receiver.providers.shared.expressions import expression_of

#: From one value to those that it leads to.
Step = Callable[[Any], list[Any]]

LONGEST_PATH: Final = 300
#: How many values one path may lead to.
MOST_VALUES: Final = 64
_SEGMENT: Final = re.compile(r"([^.\[\]]*)((?:\[(?:[0-9]{1,4}|\*)\])*)")
_PLACE: Final = re.compile(r"\[([0-9]{1,4}|\*)\]")
_NOWHERE: Final = object()
PATH_REMEDY: Final = (
    'write names joined by dots, with [0] or [*] for lists: "data.images[*].url"; behind a text "|json.NAME" goes on '
    'in the JSON that it holds, and "|match(EXPRESSION)" takes the first group'
)


class Path:
    """A path that was taken apart once, when the configuration was read."""

    __slots__ = ("_names", "_steps", "is_plain", "text")

    def __init__(self, text: str) -> None:
        """Raises InvalidParams for what is no path."""
        if not 0 < len(text) <= LONGEST_PATH:
            raise InvalidParams(f"{text[:50]!r} is no path")
        self.text = text
        names, steps = _taken_apart(text)
        #: The names that it begins with: most paths are nothing else.
        self._names = tuple(names)
        self._steps = tuple(steps)
        #: Whether it is names and nothing else, so that `at` can be asked.
        self.is_plain = not steps

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def at(self, value: Any) -> Any:
        """What stands at a plain path, None where there is nothing: a third of what `found` takes."""
        for name in self._names:
            if type(value) is not dict:
                return None
            value = value.get(name)
        return value

    def found(self, value: Any, most: int = MOST_VALUES) -> list[Any]:
        """What stands there: nothing, one value, or with `[*]` several in their order, `most` at the most."""
        for name in self._names:
            if type(value) is not dict:
                return []
            value = value.get(name, _NOWHERE)
            if value is _NOWHERE:
                return []
        if not self._steps:
            return [value]
        values = [value]
        for step in self._steps:
            values = [inner for outer in values for inner in step(outer)][:most]
        return values


@lru_cache(1024)
def segments(text: str) -> tuple[str | int | None, ...]:
    """Names, places in lists and None for every place of a path without `|`. Raises InvalidParams for what is none."""
    found: list[str | int | None] = []
    for position, segment in enumerate(text.split(".")):
        known = _SEGMENT.fullmatch(segment)
        # Only the first may be without a name: `[0].id` leads into a list at the top.
        if known is None or known[1] != known[1].strip() or not (known[1] or (position == 0 and known[2])):
            raise InvalidParams(f"{text[:50]!r} is no path at {segment!r}")
        found += [known[1]] if known[1] else []
        found += [None if place == "*" else int(place) for place in _PLACE.findall(known[2])]
    return tuple(found)


def _taken_apart(text: str) -> tuple[list[str], list[Step]]:
    """The names that a path begins with, and the steps behind them. Raises InvalidParams."""
    head, bar, rest = text.partition("|")
    names: list[str] = []
    steps: list[Step] = []
    for segment in segments(head):
        if isinstance(segment, str) and not steps:
            names.append(segment)
        elif isinstance(segment, str) and steps[-1] is _every:
            steps[-1] = _name_of_every(segment)
        else:
            steps.append(_name(segment) if isinstance(segment, str) else _every if segment is None else _place(segment))
    if bar:
        steps += _behind_bar(rest, text)
    return names, steps


def _behind_bar(rest: str, text: str) -> list[Step]:
    """The steps of what stands behind a `|`."""
    if rest.startswith("match(") and rest.endswith(")"):
        return [_match(rest[len("match(") : -1], text)]
    word, dot, inner = rest.partition(".")
    if word == "json":
        if not dot:
            return [_json]
        names, steps = _taken_apart(inner)
        return [_json, *map(_name, names), *steps]
    for begun in ("json[", "json|"):
        if rest.startswith(begun):
            names, steps = _taken_apart(rest[4:]) if begun == "json[" else ([], _behind_bar(rest[5:], text))
            return [_json, *map(_name, names), *steps]
    raise InvalidParams(f"{text!r} is no path at {'|' + rest[:30]!r}")


def _name(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _name_of_every(name: str) -> Step:
    """`[*].name` in one step: half of what two take."""
    return lambda value: (
        [inner[name] for inner in value if type(inner) is dict and name in inner] if isinstance(value, list) else []
    )


def _place(place: int) -> Step:
    return lambda value: value[place : place + 1] if isinstance(value, list) else []


def _every(value: Any) -> list[Any]:
    """The items of a list; a text alone is its only one, as in a form."""
    return value if isinstance(value, list) else [value] if isinstance(value, str) and value else []


def _json(value: Any) -> list[Any]:
    """The JSON that a text holds; what is JSON already stays."""
    if not isinstance(value, str):
        return [value] if isinstance(value, dict | list) else []
    try:
        return [read_json(value.encode("utf-8", "replace"))]
    except NotJson:
        return []


def _match(expression: str, text: str) -> Step:
    known = expression_of(expression, text)

    def matched(value: Any) -> list[Any]:
        found = known.compiled.search(str(value)[: known.longest]) if type(value) in (str, int, float) else None
        return [found[1]] if found is not None and found[1] is not None else []

    return matched
