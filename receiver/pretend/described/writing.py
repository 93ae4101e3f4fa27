"""Writes values into JSON where the paths of a description would find them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from receiver.errors import NotJson
from receiver.lib.strict_json import read_json
from receiver.providers.shared.paths import segments

Step = str | int | None
#: How long a list may become by writing at a place of it.
LONGEST_LIST: Final = 100


def written(value: Any, path: str, new: Any) -> Any:
    """The JSON value with `new` where the path leads; lists and objects that are missing are made.

    For a path with `[*]`, `new` is a list of what stands there, one after the other; what else the first element holds
    is repeated in each. A path with an expression (`|match`) leads to nothing that can be written: the value stays.
    """
    head, bar, rest = path.partition("|")
    steps = segments(head)
    if not bar:
        return _put(value, steps, new)
    if not rest.startswith("json."):
        return value
    inner = _at(value, steps)
    held = written(_held(inner), rest.removeprefix("json."), new)
    return _put(value, steps, msgspec.json.encode(held).decode())


def _held(text: Any) -> Any:
    """The JSON that a text holds; an empty object for what holds none."""
    try:
        return read_json(text.encode()) if isinstance(text, str) else {}
    except NotJson:
        return {}


def _at(value: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(value, list):
            value = value[step or 0] if (step or 0) < len(value) else None
        else:
            return None
    return value


def _put(value: Any, steps: Sequence[Step], new: Any) -> Any:
    if not steps:
        return new
    step, *rest = steps
    if isinstance(step, str):
        table = dict(value) if isinstance(value, dict) else {}
        return {**table, step: _put(table.get(step), rest, new)}
    items = list(value) if isinstance(value, list) else []
    if step is None:
        first = items[0] if items else None
        return [_put(first, rest, one) for one in new] if isinstance(new, list) else [_put(first, rest, new)]
    items += [None] * (min(step, LONGEST_LIST) + 1 - len(items))
    return [_put(item, rest, new) if place == step else item for place, item in enumerate(items)]
