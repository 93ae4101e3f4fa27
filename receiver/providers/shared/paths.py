"""Dotted paths into foreign JSON: `data.output.image_urls[*]`."""

from __future__ import annotations

import re
from typing import Any, Final

from receiver.errors import InvalidParams

#: A name, a place in a list, or None for every place.
Step = str | int | None
Path = tuple[Step, ...]

LONGEST_PATH: Final = 300
#: How many values one path may lead to.
MOST_VALUES: Final = 64
_SEGMENT: Final = re.compile(r"([^.\[\]]*)((?:\[(?:[0-9]{1,4}|\*)\])*)")
_PLACE: Final = re.compile(r"\[([0-9]{1,4}|\*)\]")
PATH_REMEDY: Final = 'write names joined by dots, with [0] or [*] for lists: "data.images[*].url"'


def path_of(text: str) -> Path:
    """The steps of a path. Raises InvalidParams for what is none."""
    if not 0 < len(text) <= LONGEST_PATH:
        raise InvalidParams(f"{text[:50]!r} is no path")
    steps: list[Step] = []
    for position, segment in enumerate(text.split(".")):
        known = _SEGMENT.fullmatch(segment)
        # Only the first may be without a name: `[0].id` leads into a list at the top.
        if known is None or known[1] != known[1].strip() or not (known[1] or (position == 0 and known[2])):
            raise InvalidParams(f"{text!r} is no path at {segment!r}")
        if known[1]:
            steps.append(known[1])
        steps.extend(None if place == "*" else int(place) for place in _PLACE.findall(known[2]))
    return tuple(steps)


def found_at(value: Any, path: Path) -> list[Any]:
    """What stands at a path: nothing, one value, or with `[*]` several in their order."""
    values = [value]
    for step in path:
        values = [inner for outer in values for inner in _into(outer, step)][:MOST_VALUES]
    return values


def _into(value: Any, step: Step) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    return value if step is None else value[step : step + 1]
