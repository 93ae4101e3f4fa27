"""Reads what is typed: parameters, tags, moments, ids. What cannot be read is a usage error (exit 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import typer

from receiver.cli.local_times import from_local
from receiver.cli.screen import LONE
from receiver.errors import NotJson, OutOfBounds
from receiver.lib import ids
from receiver.lib.durations import duration
from receiver.lib.strict_json import read_json
from receiver.model.submissions import check_tags
from receiver.model.typed_text import read_typed, typed

#: The last moment that an id can have, Unix ms.
LAST: Final = ids.made_at((1 << 63) - 1)


def params(pairs: Sequence[str]) -> dict[str, Any]:
    """`key=value` each: a number, true, false, an object or an array in JSON is that; all else is text."""
    return {name: read_typed(text) for name, text in _split(pairs, "-p")}


def tags(pairs: Sequence[str]) -> dict[str, str]:
    """`name=text` each."""
    split = _split(pairs, "--tag")
    found = dict(split)
    if len(found) < len(split):
        raise typer.BadParameter("--tag: the same name is given twice")
    try:
        check_tags(found)
    except OutOfBounds as wrong:
        raise typer.BadParameter(f"--tag: {wrong}") from None
    return found


def then(text: str | None) -> list[Any] | dict[str, Any] | None:
    """The follow-ups of a job: a JSON object like a rule's `then`, or a list of such."""
    if text is None:
        return None
    try:
        value = read_json(text.encode("utf-8", "surrogateescape"))
    except NotJson as wrong:
        raise typer.BadParameter(f"--then is not JSON: {wrong}") from None
    if not isinstance(value, dict | list):
        raise typer.BadParameter('--then is an object such as {"action": "pick", "index": 1}, or a list of such')
    return value


def moment(text: str | None, name: str, now: int) -> int | None:
    """Unix ms of an RFC 3339 moment or a date (in the time zone in use, if it says none), or so long before `now`."""
    if text is None:
        return None
    for read in (_ago, _at):
        try:
            return max(0, min(read(text, now), LAST))
        except (ValueError, OverflowError):
            continue
    raise typer.BadParameter(
        f"{name} is a moment such as 2026-11-21T10:00:00Z, or a duration such as 2h, not {text[:40]!r}"
    )


def number(kind: ids.Kind, text: str) -> int:
    """The number of an outside id."""
    found = ids.read(kind, text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not an id of the form {kind}_ and 13 characters")
    return found


def _ago(text: str, now: int) -> int:
    return now - int(duration(text) * 1000)


def _at(text: str, _now: int) -> int:
    return from_local(text)


def _split(pairs: Sequence[str], option: str) -> list[tuple[str, str]]:
    split = [pair.partition("=") for pair in pairs]
    for pair, (name, equals, _) in zip(pairs, split, strict=True):
        if not name or not equals:
            raise typer.BadParameter(f"{option} {pair[:60]!r} is not of the form name=value")
        if LONE.search(pair):
            raise typer.BadParameter(f"{option} {pair[:60]!r} is no text in UTF-8")
    return [(name, text) for name, _, text in split]


def shown_params(values: dict[str, Any]) -> str:
    """Parameters in one line, as they would be typed."""
    return " ".join(f"{name}={typed(value)}" for name, value in values.items())
