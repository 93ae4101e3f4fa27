"""Canonical actions: the words in which follow-ups are ordered, the same for every vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
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
#: Actions whose result is pictures.
PICTURED: Final = CANONICAL - {"describe"}
#: Actions whose result is a grid of four.
GRIDS: Final = frozenset({"imagine", "vary", "reroll", "zoom", "pan", "inpaint", "outpaint", "blend"})


#: The canonical parameters by action: they mean the same at every vendor that has them.
PARAMETERS: Final[dict[str, frozenset[str]]] = {
    "imagine": frozenset({"prompt", "version", "aspect_ratio"}),
    "pick": frozenset({"index"}),
    "upscale": frozenset({"kind", "index"}),
    "vary": frozenset({"index", "strength", "prompt"}),
    "reroll": frozenset({"prompt"}),
    "zoom": frozenset({"factor"}),
    "pan": frozenset({"direction"}),
    "inpaint": frozenset({"mask", "prompt"}),
    "outpaint": frozenset({"factor"}),
    "blend": frozenset({"image_urls"}),
    "describe": frozenset({"image_url"}),
}


def normalize(action: str, params: Mapping[str, Any]) -> Params:
    """The parameters in canonical form: indexes and factors as numbers, versions as text, None left out.

    Raises InvalidParams with all that is wrong when canonical parameters are missing or out of range. Parameters that
    are not canonical are a vendor's own and pass through.
    """
    clean, wrong = read_params(action, params)
    if wrong:
        raise InvalidParams("; ".join(wrong.values()))
    return clean


def read_params(action: str, params: Mapping[str, Any]) -> tuple[Params, dict[str, str]]:
    """The parameters that are right, in canonical form, and what is wrong with the others: words by name."""
    clean: Params = {name: value for name, value in params.items() if value is not None}
    wrong: dict[str, str] = {}
    for name, read in _readers(action, clean).items():
        try:
            clean[name] = read(clean.get(name))
        except InvalidParams as mistake:
            clean.pop(name, None)
            wrong[name] = str(mistake)
    return clean, wrong


def _readers(action: str, given: Params) -> dict[str, Callable[[Any], Any]]:
    """By name, what reads each canonical parameter that is given or needed."""
    readers: dict[str, Callable[[Any], Any]] = {name: read for name, read in _WHERE_GIVEN.items() if name in given}
    if action == "imagine":
        readers["prompt"] = _needed_prompt
    if action == "pick" and "index" not in given:
        readers["index"] = _missing_index
    if action == "upscale":
        readers["kind"] = partial(_one_of, "kind", UPSCALE_KINDS, "2x")
    if action == "vary" and "index" not in given:
        readers["strength"] = partial(_one_of, "strength", STRENGTHS, "subtle")
    if action == "pan":
        readers["direction"] = partial(_one_of, "direction", DIRECTIONS, "")
    return readers


def _prompt(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidParams(f"prompt must be text, not {_short(value)}")
    return value


def _needed_prompt(value: object) -> str:
    prompt = _prompt("" if value is None else value)
    if not prompt.strip():
        raise InvalidParams("imagine needs a prompt")
    return prompt


def _missing_index(_value: object) -> int:
    raise InvalidParams("pick needs index, 1-4")


def grid_index(value: object) -> int:
    """1-4 from 1-4 or "1"-"4". Raises InvalidParams for everything else, 0 and True included."""
    if not isinstance(value, bool) and isinstance(value, int | str) and str(value) in {"1", "2", "3", "4"}:
        return int(value)
    raise InvalidParams(f"index must be 1, 2, 3 or 4, not {_short(value)}")


def _short(value: object) -> str:
    """A wrong value as far as it is shown."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _one_of(name: str, allowed: tuple[str, ...], default: str, value: object) -> str:
    word = default if value is None else str(value)
    if word not in allowed:
        raise InvalidParams(f"{name} must be one of {', '.join(allowed)}, not {_short(word)}")
    return word


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


#: What reads a canonical parameter wherever it is given.
_WHERE_GIVEN: Final[dict[str, Callable[[Any], Any]]] = {
    "index": grid_index,
    "version": _version,
    "prompt": _prompt,
    "factor": _factor,
}
