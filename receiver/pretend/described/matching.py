"""Tells which of a description's calls a request is, and what stands in the places of its placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from receiver.lib.strict_json import read_json
from receiver.providers.generic.call_options import OrderKeys, QueryKeys
from receiver.providers.generic.placeholders import PLACEHOLDER, names_in

#: By the names of placeholders.
Values = dict[str, Any]


class Matched(NamedTuple):
    """The call that a request is."""

    #: The action that is ordered; "" = it asks for a job.
    action: str
    values: Values


class CallMatcher:
    """One call of a description, from its vendor's side."""

    def __init__(self, action: str, keys: OrderKeys | QueryKeys) -> None:
        """`action` is "" for the status query."""
        self.action = action
        self.method: str = keys.method
        parts = urlsplit(keys.url)
        self._path = _pattern(parts.path or "/")
        self._query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._body = read_json(keys.body.encode()) if keys.body else None

    def match(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Values] | None:
        """What stands for its placeholders, and how much of it was said literally; None if it is another call."""
        known = self._path.regex.fullmatch(path)
        if method != self.method or known is None:
            return None
        found: Values = {name: unquote(text) for name, text in zip(self._path.names, known.groups(), strict=True)}
        weight = 1
        for template, given in [(self._query, dict(query)), (self._body, body)]:
            inner = _values(template, given) if template else (0, {})
            if inner is None:
                return None
            weight += inner[0]
            found |= inner[1]
        return weight, found


class _Pattern(NamedTuple):
    regex: re.Pattern[str]
    names: list[str]


def which(calls: list[CallMatcher], method: str, path: str, query: Mapping[str, str], body: Any) -> Matched | None:
    """The call of which the most was said literally; None if it is none of them."""
    best: tuple[int, Matched] | None = None
    for call in calls:
        found = call.match(method, path, query, body)
        if found is not None and (best is None or found[0] > best[0]):
            best = found[0], Matched(call.action, found[1])
    return None if best is None else best[1]


def _pattern(text: str) -> _Pattern:
    """What a text with placeholders looks like once these are filled in."""
    pieces = PLACEHOLDER.split(text)
    regex = "".join(re.escape(piece) if place % 2 == 0 else "(.*?)" for place, piece in enumerate(pieces))
    return _Pattern(re.compile(regex, re.DOTALL), pieces[1::2])


def _values(template: Any, given: Any) -> tuple[int, Values] | None:
    """How many literals agree, and what stands for the placeholders; None if a literal differs."""
    if isinstance(template, dict):
        return _values_of_table(template, given) if isinstance(given, dict) else None
    if isinstance(template, list):
        # What was not given is left out of a list, so its places say nothing.
        pairs = zip(template, given, strict=False) if isinstance(given, list) else ()
        return _together(_values(one, there) for one, there in pairs)
    if not isinstance(template, str):
        return (1, {}) if template == given else None
    names = names_in(template)
    if not names:
        return (1, {}) if template == given else None
    if PLACEHOLDER.fullmatch(template):
        return 0, {names[0]: given}
    pattern = _pattern(template)
    known = pattern.regex.fullmatch(given) if isinstance(given, str) else None
    return None if known is None else (1, dict(zip(pattern.names, known.groups(), strict=True)))


def _values_of_table(template: dict[str, Any], given: dict[str, Any]) -> tuple[int, Values] | None:
    there = {name: inner for name, inner in template.items() if name in given}
    missing = [inner for name, inner in template.items() if name not in given]
    if any(not (isinstance(inner, str) and names_in(inner)) for inner in missing):
        return None
    return _together(_values(inner, given[name]) for name, inner in there.items())


def _together(found: Any) -> tuple[int, Values] | None:
    weight = 0
    values: Values = {}
    for one in found:
        if one is None:
            return None
        weight += one[0]
        values |= one[1]
    return weight, values
