"""Reads PromQL as far as tests need it: which metrics an expression asks for, and by which labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import Metric

FUNCTIONS = {
    "avg", "count", "delta", "histogram_quantile", "increase", "label_values", "max", "min", "rate", "sum", "time",
}  # fmt: skip
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset", "inf"}
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\b([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?")
MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"(\d+)"\s*')
RANGE = re.compile(r"\[(?:\d+[smhdw]|\$__rate_interval)\]")


class Matcher(NamedTuple):
    """What a selector wants of a label."""

    label: str
    operator: str
    value: str

    def takes(self, value: str) -> bool:
        """Whether a series with this value is meant; a label that is not there is empty."""
        if self.operator in ("=", "!="):
            return (value == self.value) is (self.operator == "=")
        # Grafana puts its variables in: "all" is any value.
        pattern = re.sub(r"\$\w+", ".*", self.value)
        return (re.fullmatch(pattern, value) is not None) is (self.operator == "=~")


class Asked(NamedTuple):
    """A metric that an expression asks for, the labels that it wants of it, and which values they shall have."""

    metric: str
    labels: frozenset[str]
    matchers: tuple[Matcher, ...]

    def is_answered(self, families: Iterable[Metric], beside: frozenset[str] = frozenset()) -> bool:
        """Whether there is a series of it; labels `beside` come from elsewhere and are not looked at."""
        wanted = [one for one in self.matchers if one.label not in beside]
        return any(
            sample.name == self.metric and all(one.takes(sample.labels.get(one.label, "")) for one in wanted)
            for family in families
            for sample in family.samples
        )


def asked(expression: str) -> list[Asked]:
    """What an expression asks for. Raises ValueError where it is not well-formed."""
    strings: list[str] = [found[1:-1] for found in STRING.findall(expression)]
    numbers = iter(range(len(strings)))
    text = STRING.sub(lambda _: f'"{next(numbers)}"', expression)
    for opening, closing in ("()", "[]", "{}"):
        if text.count(opening) != text.count(closing):
            raise ValueError(f"{expression}: {opening} without {closing}")
    groups = {label.strip() for found in GROUPING.findall(text) for label in found.split(",")}
    text = RANGE.sub("", GROUPING.sub(" ", text))
    if "[" in text:
        raise ValueError(f"{expression}: a range that is none")
    found = []
    for match in SELECTOR.finditer(text):
        name, inner = match[1], match[2]
        if name in WORDS:
            continue
        if name in FUNCTIONS:
            if not text[match.end() :].lstrip().startswith("("):
                raise ValueError(f"{expression}: {name} is a function")
            continue
        matchers = tuple(_matcher(one, strings, expression) for one in (inner or "").split(",") if one.strip())
        found.append(Asked(name, frozenset({one.label for one in matchers} | groups), matchers))
    if not found:
        raise ValueError(f"{expression}: asks for nothing")
    return found


def _matcher(text: str, strings: list[str], expression: str) -> Matcher:
    match = MATCHER.fullmatch(text)
    if match is None:
        raise ValueError(f"{expression}: {text} matches no label")
    return Matcher(match[1], match[2], strings[int(match[3])])
