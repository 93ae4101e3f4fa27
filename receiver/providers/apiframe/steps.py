"""What Apiframe v2 can do, what may follow what, and what it costs."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Final

from receiver.contracts import Parent
from receiver.model.actions import Params
from receiver.model.jobs import (
    Cost,
    KeptJob,
    NextAction,
)
from receiver.providers.shared.ordering import with_version

UNIT: Final = "credits"
NAME: Final = "apiframe"
#: Our action to the vendor's (documented): the follow-ups, all at one endpoint.
FOLLOW_UPS: Final[dict[str, str]] = {
    "pick": "upsample",
    "vary": "variation",
    "inpaint": "inpaint",
    "outpaint": "outpaint",
    "zoom": "outpaint",
    "pan": "pan",
}
#: The parameters an action takes; the vendor answers 400 to any other field (documented: additionalProperties false).
TAKES: Final[dict[str, frozenset[str]]] = {
    "imagine": frozenset({"prompt", "aspect_ratio", "version", "model"}),
    "pick": frozenset({"index"}),
    "vary": frozenset({"index"}),
    "inpaint": frozenset({"mask", "prompt"}),
    "outpaint": frozenset({"factor"}),
    "zoom": frozenset({"factor"}),
    "pan": frozenset({"direction"}),
}
#: What may follow what (documented). Whether a variation may follow inpaint, outpaint or pan is told in two ways by
#: the vendor's pages: allowed here, so that the vendor decides.
FOLLOWS: Final[dict[str, frozenset[str]]] = {
    "imagine": frozenset({"pick", "vary"}),
    "vary": frozenset({"pick", "vary"}),
    "inpaint": frozenset({"pick", "vary"}),
    "outpaint": frozenset({"pick", "vary"}),
    "zoom": frozenset({"pick", "vary"}),
    "pan": frozenset({"pick", "vary"}),
    "pick": frozenset({"inpaint", "outpaint", "zoom", "pan"}),
}
#: Credits (documented).
PRICES: Final[dict[str, Decimal]] = {
    "imagine": Decimal(16),
    "pick": Decimal(4),
    "vary": Decimal(16),
    "inpaint": Decimal(16),
    "outpaint": Decimal(16),
    "zoom": Decimal(16),
    "pan": Decimal(16),
}
NEAREST: Final[dict[str, str]] = {
    "upscale": "pick, or upscale at a JourneyAPI source (source = ...)",
    "reroll": "vary with index, or imagine again",
    "blend": "imagine",
}
ZOOMS: Final = (1.5, 2.0)
LONGEST_PROMPT: Final = 2000
#: Of the mask's base64, characters (documented).
LONGEST_MASK: Final = 12_000_000
_RATIO: Final = re.compile(r"[0-9]+:[0-9]+")
_ACTIONS: Final = "imagine, pick, vary, inpaint, outpaint, zoom, pan"


def refusal(action: str, params: Params, parent: Parent | None) -> str | None:
    """Why an action cannot be ordered, with the nearest that can; None if it can."""
    if action not in TAKES:
        return f"Apiframe v2 has no {action}; nearest: {NEAREST.get(action, _ACTIONS)}"
    return _wrong_params(action, params) or _wrong_parent(action, parent)


def _wrong_params(action: str, params: Params) -> str | None:
    if action == "vary" and "index" not in params:
        return "Apiframe v2 cannot vary by strength; nearest: vary with index 1-4"
    unknown = sorted(set(params) - TAKES[action])
    if unknown:
        known = ", ".join(sorted(TAKES[action]))
        return f"Apiframe v2's {action} takes no {', '.join(unknown)}; nearest: {known}"
    if action in ("outpaint", "zoom") and params.get("factor") not in ZOOMS:
        return f"Apiframe v2's {action} has no factor {params.get('factor')}; nearest: factor 1.5 or 2"
    if action == "inpaint":
        return _wrong_mask(params) or _wrong_prompt(params)
    return _wrong_generation(params) if action == "imagine" else None


def _wrong_generation(params: Params) -> str | None:
    model = params.get("model", "midjourney")
    if model != "midjourney":
        return f"gridhook orders no {model} from Apiframe v2; nearest: model midjourney"
    ratio = params.get("aspect_ratio", "1:1")
    if not isinstance(ratio, str) or not _RATIO.fullmatch(ratio):
        return f"aspect_ratio {ratio!r} is not a ratio; nearest: 16:9"
    return _wrong_prompt(params)


def _wrong_mask(params: Params) -> str | None:
    mask = params.get("mask")
    if not isinstance(mask, str) or not mask:
        return "Apiframe v2's inpaint needs mask; nearest: a base64 PNG, white where to repaint"
    return (
        None if len(mask) <= LONGEST_MASK else f"mask is longer than {LONGEST_MASK} characters; nearest: a smaller PNG"
    )


def _wrong_prompt(params: Params) -> str | None:
    length = len(prompt_of(params))
    return f"prompt has {length} characters; nearest: {LONGEST_PROMPT}" if length > LONGEST_PROMPT else None


def prompt_of(params: Params) -> str:
    """The prompt as it is sent: the schema has no field for the version, so it goes into the prompt (inferred)."""
    return with_version(str(params.get("prompt", "")), params.get("version"))


def _wrong_parent(action: str, parent: Parent | None) -> str | None:
    if action == "imagine":
        return None
    if parent is None:
        return f"{action} needs a parent job"
    if parent.provider not in (None, NAME):
        return f"Apiframe v2 cannot {action} a job of {parent.provider}; nearest: {action} at the source that made it"
    follows = FOLLOWS.get(parent.action or "", frozenset())
    if parent.action is None or action in follows:
        return None
    tile_first = "pick" in follows and action in FOLLOWS["pick"]
    nearest = "pick a tile first, then this" if tile_first else ", ".join(sorted(follows))
    return f"Apiframe v2 cannot {action} after {parent.action}; nearest: {nearest or 'nothing'}"


def next_actions(kept: KeptJob) -> tuple[NextAction, ...]:
    """The rows of the table of follow-ups for a completed job."""
    job = kept.job
    if job.status != "completed":
        return ()
    return _choices_after(job.action or "")


@cache
def _choices_after(before: str) -> tuple[NextAction, ...]:
    follows = FOLLOWS.get(before, frozenset())
    return tuple(
        NextAction(action=action, params=params, cost=price(action)) for action, params in _CHOICES if action in follows
    )


def price(action: str) -> Cost | None:
    """Documented credits."""
    amount = PRICES.get(action)
    return None if amount is None else Cost(amount=amount, unit=UNIT, source="table")


_CHOICES: Final[tuple[tuple[str, Params], ...]] = (
    *(("pick", {"index": index}) for index in (1, 2, 3, 4)),
    *(("vary", {"index": index}) for index in (1, 2, 3, 4)),
    ("inpaint", {}),
    *(("outpaint", {"factor": factor}) for factor in ZOOMS),
    *(("pan", {"direction": direction}) for direction in ("up", "down", "left", "right")),
)
