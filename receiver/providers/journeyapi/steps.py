"""What JourneyAPI can do, what may follow what, and what it costs."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Final

from receiver.contracts import Parent
from receiver.model.actions import GRIDS, Params
from receiver.model.jobs import (
    Cost,
    KeptJob,
    NextAction,
)

UNIT: Final = "credits"
NAME: Final = "journeyapi"
#: What may follow what (documented but where `providers.md` 1.6 says inferred): the parent's action to ours.
FOLLOWS: Final[dict[str, frozenset[str]]] = {
    "imagine": frozenset({"reroll", "vary:index", "pick", "upscale:size"}),
    "reroll": frozenset({"vary:index", "pick", "upscale:size"}),
    "vary": frozenset({"vary:index", "pick", "upscale:size"}),
    "blend": frozenset({"pick", "upscale:size"}),
    "pick": frozenset({"upscale:alt", "upscale:size", "vary:strength", "inpaint", "outpaint", "pan"}),
    "upscale": frozenset({"upscale:size"}),
    "pan": frozenset({"pick", "upscale:size"}),
    "inpaint": frozenset({"pick", "upscale:size"}),
    "outpaint": frozenset({"pick", "upscale:size"}),
    "faceswap": frozenset({"upscale:size"}),
}
#: Credits by action and kind (documented; `describe` and the others at their own pages).
PRICES: Final[dict[str, Decimal]] = {
    "imagine": Decimal(4),
    "reroll": Decimal(4),
    "vary:index": Decimal(4),
    "vary:strength": Decimal(4),
    "pick": Decimal(2),
    "upscale:alt": Decimal(4),
    "upscale:size": Decimal(2),
    "pan": Decimal(4),
    "blend": Decimal(4),
    "describe": Decimal(2),
    "faceswap": Decimal(2),
}
#: Actions that refer to no job.
ROOTS: Final = frozenset({"imagine", "blend", "describe", "faceswap"})
ACTIONS: Final = ROOTS | {"reroll", "vary", "pick", "upscale", "pan", "inpaint", "outpaint"}
#: Parameters beside the canonical ones (documented; those of outpaint by Apiframe v1, inferred).
OWN_PARAMETERS: Final[dict[str, frozenset[str]]] = {
    "imagine": frozenset({"model"}),
    "upscale": frozenset({"image_url"}),
    "outpaint": frozenset({"aspect_ratio", "prompt"}),
    "blend": frozenset({"dimension"}),
    "faceswap": frozenset({"target_image_url", "swap_image_url"}),
}
NEAREST: Final[dict[str, str]] = {"zoom": "outpaint with a factor"}
KINDS: Final[dict[str, str]] = {
    "2x": "upscale:size",
    "4x": "upscale:size",
    "subtle": "upscale:alt",
    "creative": "upscale:alt",
}
DESCRIBED: Final[dict[str, str]] = {
    "upscale:alt": "(subtle/creative) ",
    "vary:strength": "(by strength) ",
    "vary:index": "(by index) ",
}
CHOICES: Final[tuple[tuple[str, str, Params], ...]] = (
    *(("pick", "pick", {"index": index}) for index in (1, 2, 3, 4)),
    *(("vary:index", "vary", {"index": index}) for index in (1, 2, 3, 4)),
    ("reroll", "reroll", {}),
    ("upscale:alt", "upscale", {"kind": "subtle"}),
    ("upscale:alt", "upscale", {"kind": "creative"}),
    ("upscale:size", "upscale", {"kind": "2x"}),
    ("upscale:size", "upscale", {"kind": "4x"}),
    ("vary:strength", "vary", {"strength": "subtle"}),
    ("vary:strength", "vary", {"strength": "strong"}),
    *(("pan", "pan", {"direction": direction}) for direction in ("up", "down", "left", "right")),
    ("inpaint", "inpaint", {}),
    ("outpaint", "outpaint", {}),
)


def step_of(action: str, params: Params) -> str:
    """The vendor's own distinction within an action: which endpoint of several it is."""
    if action == "upscale":
        return KINDS.get(str(params.get("kind", "2x")), "upscale:other")
    if action == "vary":
        return "vary:index" if "index" in params else "vary:strength"
    return action


def refusal(action: str, params: Params, parent: Parent | None) -> str | None:
    """Why an action cannot be ordered, with the nearest that can; None if it can."""
    step = step_of(action, params)
    if action not in ACTIONS:
        return f"JourneyAPI has no {action}; nearest: {NEAREST.get(action, ', '.join(sorted(ACTIONS)))}"
    if step == "upscale:other":
        return f"JourneyAPI has no upscale of kind {params.get('kind')}; nearest: kind 2x, 4x, subtle or creative"
    if action in ROOTS or (step == "upscale:size" and "image_url" in params):
        return None
    if parent is None:
        return f"{action} needs a parent job"
    if parent.provider not in (None, NAME):
        return _of_another_vendor(action, step, params, parent)
    return _after(action, step, parent.action)


def _of_another_vendor(action: str, step: str, params: Params, parent: Parent) -> str | None:
    """`/upscale-2x-4x` takes any public picture (documented); nothing else does."""
    if step != "upscale:size":
        return f"JourneyAPI cannot {action} a job of {parent.provider}; nearest: upscale of kind 2x or 4x"
    count = len(parent.kept.job.images) if parent.kept is not None else 0
    if count > 1 and "index" not in params:
        return f"the parent has {count} pictures; nearest: upscale with index 1-4, or pick a tile first"
    return None


def _after(action: str, step: str, before: str | None) -> str | None:
    follows = FOLLOWS.get(before or "", frozenset())
    if before is None or step in follows:
        return None
    if "pick" in follows and step in FOLLOWS["pick"]:
        nearest = "pick a tile first, then this"
    else:
        nearest = ", ".join(sorted({one.partition(":")[0] for one in follows})) or "nothing"
    return f"JourneyAPI cannot {action} {DESCRIBED.get(step, '')}after {before}; nearest: {nearest}"


def next_actions(kept: KeptJob) -> tuple[NextAction, ...]:
    """The rows of the table of follow-ups for a completed job; of a grid, an enlargement names its tile."""
    job = kept.job
    return _choices_after(job.action or "") if job.status == "completed" and job.images else ()


@cache
def _choices_after(before: str) -> tuple[NextAction, ...]:
    follows = FOLLOWS.get(before, frozenset())
    tiles: tuple[Params, ...] = tuple({"index": index} for index in (1, 2, 3, 4)) if before in GRIDS else ({},)
    return tuple(
        NextAction(action=action, params=params | tile, cost=price(action, params))
        for step, action, params in CHOICES
        if step in follows
        for tile in (tiles if step == "upscale:size" else ({},))
    )


def price(action: str, params: Params) -> Cost | None:
    """Documented credits; inpaint and outpaint have none on the pages that were read."""
    if params.get("model", "midjourney") != "midjourney":
        return None
    amount = PRICES.get(step_of(action, params))
    return None if amount is None else Cost(amount=amount, unit=UNIT, source="table")
