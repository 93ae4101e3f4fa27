"""Collects what is wrong with a configuration, so that everything is told at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from receiver.errors import Problem
from receiver.lib.nearest import nearest

BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
#: Longest piece of a wrong value that is shown, characters.
SHOWN: Final = 60


class Findings:
    """Every problem (stops the start) and warning (does not) found so far, in the order they were found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def wrong(self, where: str, wrong: str, remedy: str) -> None:
        """Notes one mistake: where it stands, what is wrong, what would be right."""
        self.problems.append(Problem(where, wrong, remedy))

    def warn(self, text: str) -> None:
        """Notes something that works, but most likely not as it was meant."""
        self.warnings.append(text)

    def not_one_of(self, where: str, wrong: str, given: str, known: Iterable[str]) -> None:
        """Notes a name that is none of the known ones; the nearest, or all of them, are the remedy."""
        self.wrong(where, wrong, nearest(given, sorted(known)))

    def later(self, where: str, wrong: str) -> None:
        """Notes something that the design has and this version has not."""
        self.wrong(where, wrong, "not part of this version: take it out")


def inside(where: str, key: str) -> str:
    """The dotted path of a key within a table."""
    shown = key if BARE_KEY.fullmatch(key) else json.dumps(key[:SHOWN])
    return f"{where}.{shown}" if where else shown


def shown(value: object) -> str:
    """A wrong value, cut short and without control characters. Never for a secret."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
