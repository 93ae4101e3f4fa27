"""What a vendor's words mean: its statuses and its actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from receiver.errors import OptionError
from receiver.lib.nearest import nearest
from receiver.model.actions import (
    CANONICAL,
    UPSCALE_KINDS,
    Params,
)
from receiver.providers.generic.options import Words
from receiver.providers.shared.statuses import STATUSES, USUAL, Status, plain

#: The usual words for actions. A bare "upscale" is U1-U4 at the vendors that say it (midjourney-proxy, Apiframe v1).
USUAL_ACTIONS: Final[dict[str, str]] = {
    "imagine": "imagine",
    "diffusion": "imagine",
    "upscale": "pick",
    "upsample": "pick",
    "variation": "vary",
    "variations": "vary",
    "vary": "vary",
    "reroll": "reroll",
    "zoom": "zoom",
    "pan": "pan",
    "inpaint": "inpaint",
    "outpaint": "outpaint",
    "blend": "blend",
    "describe": "describe",
}
_NUMBERED: Final = re.compile(r"([a-z_]+?)_?([1-4])")


def statuses_of(words: Words, found: list[OptionError]) -> dict[str, Status]:
    """Every known word to our status. A word to which the operator gives two meanings, or none, goes to `found`."""
    own: dict[str, Status] = {}
    for status in STATUSES:
        for word in getattr(words, status):
            if not plain(word):
                remedy = "name the vendor's own, or leave it out"
                found.append(OptionError(f"words.{status}", "has an empty word", remedy))
            elif own.setdefault(plain(word), status) != status:
                wrong = f"{word!r} is both {own[plain(word)]} and {status}"
                found.append(OptionError("words", wrong, "leave it in one of them"))
    return {word: status for status, usual in USUAL.items() for word in usual} | own


def actions_of(own: Mapping[str, str], found: list[OptionError]) -> dict[str, str]:
    """Every known word to our action. A word for an action that is not canonical goes to `found`."""
    for word, action in own.items():
        if action not in CANONICAL or not plain(word):
            found.append(OptionError("actions", f"{word!r} cannot mean {action!r}", nearest(action, sorted(CANONICAL))))
    return USUAL_ACTIONS | {plain(word): action for word, action in own.items()}


def action_of(word: str | None, known: Mapping[str, str]) -> tuple[str | None, Params]:
    """Action and parameters from a vendor's word: `upsample2`, `upscale-2x`, `variation_3`, `UPSCALE`; else None.

    What stands behind a `#` is not looked at: `upscale#1` is every upscale's name at Apiframe v1.
    """
    name = plain(word or "").partition("#")[0]
    if name in known:
        return known[name], {}
    head, _, tail = name.rpartition("_")
    if head == "upscale" and tail in UPSCALE_KINDS:
        return "upscale", {"kind": tail}
    numbered = _NUMBERED.fullmatch(name)
    if numbered is not None and numbered[1] in known:
        action = known[numbered[1]]
        return action, {"index": int(numbered[2])} if action in ("pick", "vary") else {}
    return known.get(name.partition("_")[0]), {}
