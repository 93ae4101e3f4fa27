"""Canonical actions: the words in which follow-ups are ordered, the same for every vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from receiver.errors import InvalidParams

#: An action's parameters: JSON values by name.
Params = dict[str, Any]

GRID_INDEXES: Final = (1, 2, 3, 4)
UPSCALE_KINDS: Final = ("2x", "4x", "subtle", "creative", "v5_2x", "v5_4x")
STRENGTHS: Final = ("subtle", "strong")
DIRECTIONS: Final = ("up", "down", "left", "right")

CANONICAL: Final = frozenset(
    {
        "imagine",
        "pick",
        "upscale",
        "vary",
        "reroll",
        "zoom",
        "pan",
        "inpaint",
        "outpaint",
        "blend",
        "describe",
    }
)
#: Actions that work on nothing that exists already.
ROOTS: Final = frozenset({"imagine", "blend", "describe"})
#: Actions whose result is a grid of four.
GRIDS: Final = frozenset({"imagine", "vary", "reroll", "zoom", "pan", "inpaint", "outpaint", "blend"})


def normalize(action: str, params: Mapping[str, Any]) -> Params:
    """The parameters in canonical form: indexes and factors as numbers, versions as text, None left out.

    Raises InvalidParams when a canonical parameter is missing or out of range. Parameters that are not canonical are a
    vendor's own and pass through.
    """
    clean: Params = {name: value for name, value in params.items() if value is not None}
    if "index" in clean:
        clean["index"] = grid_index(clean["index"])
    if "version" in clean:
        clean["version"] = _version(clean["version"])
    if not isinstance(clean.get("prompt", ""), str):
        raise InvalidParams(f"prompt must be text, not {_short(clean['prompt'])}")
    if action == "imagine" and not str(clean.get("prompt", "")).strip():
        raise InvalidParams("imagine needs a prompt")
    if action == "pick" and "index" not in clean:
        raise InvalidParams("pick needs index, 1-4")
    if action == "upscale":
        clean["kind"] = _one_of("kind", str(clean.get("kind", "2x")), UPSCALE_KINDS)
    if action == "vary" and "index" not in clean:
        clean["strength"] = _one_of("strength", str(clean.get("strength", "subtle")), STRENGTHS)
    if action == "pan":
        clean["direction"] = _one_of("direction", str(clean.get("direction", "")), DIRECTIONS)
    if "factor" in clean:
        clean["factor"] = _factor(clean["factor"])
    return clean


def grid_index(value: object) -> int:
    """1-4 from 1-4 or "1"-"4". Raises InvalidParams for everything else, 0 and True included."""
    if not isinstance(value, bool) and isinstance(value, int | str) and str(value) in {"1", "2", "3", "4"}:
        return int(value)
    raise InvalidParams(f"index must be 1, 2, 3 or 4, not {_short(value)}")


def _short(value: object) -> str:
    """A wrong value as far as it is shown."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InvalidParams(f"{name} must be one of {', '.join(allowed)}, not {_short(value)}")
    return value


def _version(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidParams(f"version must be text, such as '7', not {_short(value)}")
    return str(value)


def _factor(value: object) -> float:
    try:
        factor = float(str(value))
    except ValueError:
        factor = 0.0
    if not 1.0 < factor <= 4.0:
        raise InvalidParams(f"factor must be a number above 1 and at most 4, not {_short(value)}")
    return factor
