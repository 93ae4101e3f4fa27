"""Reads PromQL as far as tests need it: which metrics an expression asks for, and by which labels."""

from __future__ import annotations

import re
from typing import NamedTuple

FUNCTIONS = {
    "avg", "count", "delta", "histogram_quantile", "increase", "label_values", "max", "min", "rate", "sum", "time",
}  # fmt: skip
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset", "inf"}
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\b([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?")
RANGE = re.compile(r"\[(?:\d+[smhdw]|\$__rate_interval)\]")


class Asked(NamedTuple):
    """A metric that an expression asks for, and the labels that it wants of it."""

    metric: str
    labels: frozenset[str]


def asked(expression: str) -> list[Asked]:
    """What an expression asks for. Raises ValueError where it is not well-formed."""
    text = STRING.sub('""', expression)
    for opening, closing in ("()", "[]", "{}"):
        if text.count(opening) != text.count(closing):
            raise ValueError(f"{expression}: {opening} without {closing}")
    groups = {label.strip() for found in GROUPING.findall(text) for label in found.split(",")}
    text = RANGE.sub("", GROUPING.sub(" ", text))
    if "[" in text:
        raise ValueError(f"{expression}: a range that is none")
    found = []
    for match in SELECTOR.finditer(text):
        name, matchers = match[1], match[2]
        if name in WORDS:
            continue
        if name in FUNCTIONS:
            if not text[match.end() :].lstrip().startswith("("):
                raise ValueError(f"{expression}: {name} is a function")
            continue
        labels = {re.split(r"[=!~]", one, maxsplit=1)[0].strip() for one in (matchers or "").split(",") if one.strip()}
        found.append(Asked(name, frozenset(labels | groups)))
    if not found:
        raise ValueError(f"{expression}: asks for nothing")
    return found
