"""Regular expressions of descriptions: tried on so much of a foreign text that no text takes long."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from receiver.errors import InvalidParams

#: Characters of a text that an expression is tried on at most, and that it must be good for.
LONGEST_MATCH: Final = 1000
LEAST_MATCH: Final = 50
#: What trying may take, in steps of the matcher (some 10 ns each).
MOST_STEPS: Final = 20_000_000
TOKEN: Final = re.compile(
    r"""
      (?P<plain> \\. | \[\^?\]?(?:\\.|[^\]\\])*\] )
    | (?P<open> \((?:\?(?:P<\w+>|P=\w+|<[=!]|[:=!>]|\#[^)]*|[a-zA-Z-]+:?))? )
    | (?P<close> \) )
    | (?P<bar> \| )
    | (?P<exact> \{(?P<times>[0-9]+)\}[?+]? )
    | (?P<maybe> \?[?+]? )
    | (?P<repeat> (?:[*+]|\{[0-9]*,[0-9]*\})[?+]? )
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
NESTED: Final = "has an expression that may take for ever: it repeats what has a choice in it (a repeat, ? or |)"


class Expression(NamedTuple):
    """A compiled expression, and how many characters of a text it is tried on."""

    compiled: re.Pattern[str]
    longest: int


def expression_of(text: str, where: str) -> Expression:
    """Compiles an expression with at least one group.

    Raises InvalidParams for what is none, and for one that some short text would keep busy for long.
    """
    try:
        compiled = re.compile(text)
    except (re.error, OverflowError, RecursionError) as wrong:
        raise InvalidParams(f"{where!r} has an expression that cannot be read: {wrong}") from None
    if compiled.groups < 1:
        raise InvalidParams(f"{where!r} has an expression without a group in parentheses")
    repeats, choices = _choices_in(text, where)
    longest = int((MOST_STEPS / 2**choices) ** (1 / (repeats + 1)))
    if longest < LEAST_MATCH:
        raise InvalidParams(f"{where!r} has an expression with too many choices in it (repeats, ? and |)")
    return Expression(compiled, min(longest, LONGEST_MATCH))


def _choices_in(text: str, where: str) -> tuple[int, int]:
    """How many repeats of any number there are, and how many choices of two. Raises InvalidParams for nested ones."""
    repeats = choices = 0
    #: What was counted where each open group began; what the last group or character holds.
    begun: list[int] = []
    last = 0
    for token in TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "open":
            begun.append(repeats + choices)
        elif kind == "close":
            last = repeats + choices - (begun.pop() if begun else 0)
            continue
        elif kind in ("exact", "repeat", "times"):
            if last:
                raise InvalidParams(f"{where!r} {NESTED}")
            repeats += kind == "repeat"
        elif kind in ("bar", "maybe"):
            choices += 1
        last = 0
    return repeats, choices
