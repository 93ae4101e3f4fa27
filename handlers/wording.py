"""Values in words, on one line."""

from __future__ import annotations

from functools import singledispatch
from typing import Final

from receiver.model.jobs import (
    Cost,
    Hold,
    Image,
    JobError,
    NextAction,
)

#: Characters of one foreign value; even wholly escaped it leaves room in a section of a Slack message.
MAX_VALUE: Final = 300


def one_line(text: str, limit: int = MAX_VALUE) -> str:
    """At most `limit` characters of a text, printable ones, on one line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@singledispatch
def words(value: object) -> str:
    """A field's value as a person would say it; nothing for None."""
    return "" if value is None else str(value)


@words.register
def _(value: Cost) -> str:
    return f"{value.amount} {value.unit}"


@words.register
def _(value: JobError) -> str:
    code = f"{value.code} ({value.provider_code})" if value.provider_code else value.code
    return f"{code}: {value.message}"


@words.register
def _(value: Hold) -> str:
    until = f"until {value.until}" if value.until else ""
    default = f"then {value.default}" if value.default else ""
    return ", ".join(part for part in (value.reason, until, default, value.note) if part)


@words.register
def _(value: Image) -> str:
    return value.url


@words.register
def _(value: NextAction) -> str:
    return value.action


@words.register(dict)
def _(value: dict[str, object]) -> str:
    return ", ".join(f"{name}={words(part)}" for name, part in value.items())


@words.register(tuple)
@words.register(list)
def _(value: tuple[object, ...] | list[object]) -> str:
    return ", ".join(words(part) for part in value)
